"""What is never kept about a person, whatever the model says: a few documented rules.

The prompt asks the model to leave these out, in any language. The rules here are the
second line: patterns for what has a form, words for what has none - English, and the
commonest German, French and Spanish ones. They are strict: a harmless memory that is
lost costs less than a kept one that does harm.

| rule | refuses |
|---|---|
| e-mail | an address |
| card | 13 to 19 digits that pass the Luhn check |
| government-id | US social security, UK national insurance, IBAN; their names |
| phone | a leading + or 00 with 7 digits or more, 3-4 groups, any 9 digits |
| address | a house number with a street, a British postcode |
| secret | passwords, PINs, keys |
| medical | diseases, treatment, pregnancy, disability, self-harm |
| financial | income, debts, accounts, sums of money |
"""

import re
import unicodedata

_SEPARATED = r"[ .\-/()]*"
_NUMBER = re.compile(rf"\d(?:{_SEPARATED}\d){{6,}}")
_CARD_DIGITS = range(13, 20)
PHONE_DIGITS_MIN = 9
"""Digits of a number that counts as a phone's without a prefix. A date has 8."""

_PATTERNS = {
    "e-mail": re.compile(
        r"[\w.+-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+\s?\.\s?\w{2,}"
        r"|\bat [\w-]+ (?:dot|\(dot\)|\[dot\]) \w{2,}\b"
    ),
    "government-id": re.compile(
        r"\b\d{3}-\d{2}-\d{4}\b"
        r"|\b[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]\b"
        r"|\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){3,7}(?: ?[a-z0-9]{1,3})?\b"
        r"|\b(?:social security|national insurance|passport|tax id|ssn"
        r"|driv\w+.? licen[cs]e|id card|identity card|visa) ?(?:number|no\b|#|:)"
    ),
    "phone": re.compile(
        rf"(?:\+|\b00)\d(?:{_SEPARATED}\d){{6,}}|\b\d{{3}}[ .\-]\d{{4}}\b"
    ),
    "address": re.compile(
        r"\b\d{1,5}[a-z]? (?:[\w'.-]+ ){1,3}(?:street|st|road|rd|avenue|ave|lane|ln"
        r"|drive|court|square|boulevard|blvd|terrace|crescent)\b"
        r"|\b\w+(?:straße|strasse|weg|platz|gasse|allee) \d{1,4}[a-z]?\b"
        r"|\b\d{1,4},? (?:rue|avenue|boulevard|place) \w"
        r"|\b(?:calle|avenida|plaza) [\w ]{2,30},? (?:n[ºo°.]{0,2} ?)?\d{1,4}\b"
        r"|\b[a-z]{1,2}\d[a-z\d]? \d(?!st|nd|rd|th)[a-z]{2}\b"
    ),
    "secret": re.compile(
        r"\b(?:password|passphrase|passcode|passwort|kennwort|contraseña|mot de passe"
        r"|pin (?:code|number|is)|api key|private key|recovery (?:code|phrase)"
        r"|seed phrase)\b"
    ),
    "medical": re.compile(
        r"\b(?:diagnos|disease|illness|cancer|tumou?r|chemo|diabet|insulin|hiv\b|aids\b"
        r"|hepatitis|asthma|epilep|stroke\b|heart (?:attack|condition|failure)"
        r"|blood pressure|surgery|surgical|hospital\b|hospitali[sz]|prescri|medicat"
        r"|medicine|pills?\b"
        r"|antidepress|depress(?:ion|ive)|bipolar|schizo|psychosis|psychiatr|ptsd\b"
        r"|adhd\b|autis|anorexi|bulimi|eating disorder|anxiety disorder|panic attack"
        r"|suicid|self-harm|addict|alcoholi|rehab\b|overdose|pregnan|miscarr|abortion"
        r"|ivf\b|fertility|disab(?:led|ility)|dementia|alzheimer|symptom|therap(?:y|ist)"
        r"|allerg|migraine|arthriti|cholesterol|insomnia|infections?\b|covid|chronic\b"
        r"|mental (?:health|illness)|self harm|sick leave|blood test|operated on"
        r"|krank|krebs|schwanger|depressiv|tablette|zucker(?:krank|kranke)"
        r"|malad|enceinte|cáncer|cancére|embaraz|enferm|médicament|medicament)"
    ),
    "financial": re.compile(
        r"\b(?:salary|salaries|wages?\b|income|earns?\b|debts?\b|mortgage|loans?\b"
        r"|overdraft|bankrupt|insolven|net worth|savings\b|pension|tax return"
        r"|credit (?:card|score|rating)|debit card|bank account|account number"
        r"|sort code|routing number|iban\b|owes\b"
        r"|in debt|six[- ]figure|gehalt|schulden|verdient|kredit|hypothek"
        r"|salaire|dettes?\b|sueldo|salario|deudas?\b|hipoteca)"
        r"|[$€£¥₹]\s?\d|\d\s?[$€£¥₹]|\b(?:usd|eur|gbp|chf)\s?\d"
        r"|\b\d[\d.,]*\s?(?:k\s)?(?:dollars?|euros?|pounds|usd|eur|gbp|chf)\b"
        r"|\b\d+\s?k (?:a|per) (?:year|month)\b"
    ),
}


def refusal(text: str) -> str | None:
    """Name the rule that a memory breaks; ``None`` if it may be kept.

    >>> refusal("Likes hiking in the Alps.")
    >>> refusal("Her card is 4111 1111 1111 1111.")
    'card'
    """
    folded = _plain(text)
    numbers = [re.sub(r"\D", "", found) for found in _NUMBER.findall(folded)]
    if any(len(each) in _CARD_DIGITS and _passes_luhn(each) for each in numbers):
        return "card"
    for rule, pattern in _PATTERNS.items():
        if pattern.search(folded):
            return rule
    if any(len(each) >= PHONE_DIGITS_MIN for each in numbers):
        return "phone"
    return None


def _plain(text: str) -> str:
    """Write a text as the rules expect it: no look-alikes, nothing invisible."""
    shown = "".join(
        each
        for each in unicodedata.normalize("NFKC", text)
        if unicodedata.category(each) != "Cf"
    )
    return " ".join(shown.lower().split())


def _passes_luhn(digits: str) -> bool:
    """Compute the check digit of payment cards (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + position % 2)
        total += doubled - 9 * (doubled > 9)
    return total % 10 == 0
