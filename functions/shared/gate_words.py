"""Words by which `functions.shared.personal_gate` knows a language and what is said."""

from collections.abc import Mapping

import msgspec


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What one language needs; all in lower case, words without apostrophes.

    Attributes:
        frequent: By these the language is known; half of a usual text.
        personal: The one who speaks, and the people and animals around them.
        asking: Begin a question.
        ordering: Begin an instruction.
        leading: May stand before either of the two.
        service: Phrases with a personal word that say nothing: ``tell me``.
        is_capitalising: Whether nouns begin with a capital, so that names do not stand
            out.
    """

    frequent: frozenset[str]
    personal: frozenset[str]
    asking: frozenset[str]
    ordering: frozenset[str]
    leading: frozenset[str]
    service: tuple[str, ...]
    is_capitalising: bool = False


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


LANGUAGES: Mapping[str, Words] = {
    "en": Words(
        frequent=_set(
            "the a an and or but of to in on at for with from by is are was were be"
            " been it its this that these those i you he she we they my your his her"
            " our their me him them what which who how why when where do does did can"
            " could would should will not no so if than then there have has had as"
            " about into more some any all please write explain give make show"
        ),
        personal=_set(
            "i im ive id me my mine myself we us our ours ourselves wife husband"
            " spouse partner girlfriend boyfriend fiance fiancee ex mom mum mother"
            " dad father parent parents son sons daughter daughters kid kids child"
            " children toddler toddlers baby newborn teen teenager brother sister"
            " sibling siblings twin twins grandma grandpa grandmother grandfather"
            " grandson granddaughter uncle aunt cousin nephew niece inlaws family"
            " household friend friends roommate flatmate boss colleague colleagues"
            " coworker coworkers manager landlord neighbour neighbor dog cat puppy"
            " kitten pet pets horse beginner retired pregnant birthday anniversary"
            " wedding honeymoon divorce funeral grief lonely anxious panic vegan"
            " vegetarian halal kosher lactose gluten allergic allergy"
        ),
        asking=_set(
            "what which who whom whose how why when where is are was were do does did"
            " can could would should will has have whats hows whos wheres"
        ),
        ordering=_set(
            "write rewrite explain translate summarise summarize fix give list show"
            " make create generate tell describe compare convert calculate define"
            " suggest recommend check correct improve shorten expand add remove"
            " rename refactor optimise optimize debug format draft edit find name"
            " provide solve sort turn use try continue repeat elaborate change help"
        ),
        leading=_set("please now and also then ok okay so but hey hi hello well"),
        service=(
            "tell me",
            "give me",
            "show me",
            "send me",
            "teach me",
            "help me",
            "explain to me",
            "make me",
            "write me",
            "find me",
            "let me know",
            "how do i",
            "how can i",
            "how would i",
        ),
    ),
    "de": Words(
        frequent=_set(
            "der die das den dem des ein eine einen einem einer und oder aber ist sind"
            " war waren sein ich du er sie es wir ihr mir mich dir nicht kein keine zu"
            " in im auf mit von für bei aus nach wie was wer wo wann warum welche"
            " welcher welches kann kannst könntest mein meine dein wenn dass auch noch"
            " nur so bitte um über als am an"
        ),
        personal=_set(
            "ich mich mir mein meine meinen meinem meiner meines wir uns unser unsere"
            " unseren unserem unserer frau mann freund freundin freunde partner"
            " partnerin mutter vater mama papa eltern kind kinder kindern sohn söhne"
            " tochter töchter bruder schwester geschwister oma opa familie hund katze"
            " haustier chef chefin kollege kollegin nachbar baby anfänger schwanger"
            " rente geburtstag jahrestag hochzeit scheidung trauer einsam panik vegan"
            " vegetarisch halal koscher laktosefrei glutenfrei allergie allergisch"
        ),
        asking=_set(
            "was wer wen wem wie wo wann warum wieso weshalb welche welcher welches"
            " wohin woher ist sind kann gibt hat kannst könntest"
        ),
        ordering=_set(
            "schreib schreibe erklär erkläre übersetz übersetze gib zeig zeige fass"
            " fasse liste nenne nenn korrigier korrigiere verbesser verbessere erstell"
            " erstelle mach mache vergleich vergleiche berechne kürze formuliere hilf"
        ),
        leading=_set("bitte jetzt und auch dann ok okay also aber hallo"),
        service=("gib mir", "zeig mir", "zeige mir", "sag mir", "hilf mir", "mach mir"),
        is_capitalising=True,
    ),
    "fr": Words(
        frequent=_set(
            "le la les l un une des du de d et ou mais est sont était être je j tu il"
            " elle nous vous ils elles on mon ma mes ton ta ne pas n à au aux en dans"
            " sur avec pour par que qu qui quoi quel quelle comment où quand pourquoi"
            " ce c cette ces se s y plus très si peux pouvez"
        ),
        personal=_set(
            "je j moi me m mon ma mes mien mienne nous notre nos femme mari copine"
            " copain compagnon compagne mère père maman papa parents enfant enfants"
            " fils fille filles frère sœur soeur famille grand-mère ami amie amis"
            " chien chat animal patron chef collègue collègues voisin bébé débutant"
            " enceinte retraite anniversaire mariage divorce deuil seul seule panique"
            " végan végétarien végétarienne halal casher lactose gluten allergie"
        ),
        asking=_set(
            "que qu quel quelle quels quelles qui quoi comment où quand pourquoi"
            " combien est peux pouvez"
        ),
        ordering=_set(
            "écris explique traduis donne montre résume corrige liste crée compare"
            " calcule propose améliore rédige fais dis"
        ),
        leading=_set("et aussi puis alors ok merci bonjour salut mais"),
        service=("donne moi", "montre moi", "dis moi", "explique moi", "fais moi"),
    ),
    "es": Words(
        frequent=_set(
            "el la los las un una unos unas y o pero es son era ser estar yo tú él"
            " ella nosotros ellos mi mis tu tus su sus no ni de del a al en con por"
            " para que qué quién cómo cuándo dónde cuál cuánto cuánta se me te lo le"
            " como más muy si ya este esta esto eso hay puedes"
        ),
        # A verb says who speaks: the pronoun is usually missing.
        personal=_set(
            "yo me mi mis mí mío mía conmigo nosotros nos nuestro nuestra soy estoy"
            " tengo vivo trabajo quiero necesito puedo debo voy hago estudio busco"
            " quisiera quería fui era estaba tenía eu meu minha meus minhas esposa"
            " esposo marido mujer novia novio pareja madre padre mamá papá padres hijo"
            " hija hijos hijas niño niña niños bebé hermano hermana hermanos abuela"
            " abuelo familia amigo amiga amigos perro gato mascota jefe jefa colega"
            " vecino principiante embarazada jubilado cumpleaños aniversario boda"
            " divorcio duelo sola pánico vegano vegana vegetariano vegetariana halal"
            " kosher lactosa gluten alergia"
        ),
        asking=_set(
            "qué que quién quiénes cómo cuándo dónde cuál cuáles cuánto cuánta cuántos"
            " cuántas puedes"
        ),
        ordering=_set(
            "escribe explica traduce resume corrige haz crea compara calcula dame dime"
            " muestra enumera mejora redacta"
        ),
        leading=_set("por favor ahora y también entonces ok hola pero"),
        service=(),
    ),
}

IMPERSONAL_NAMES = _set(
    "python javascript typescript java rust sql html css json excel word windows linux"
    " google chatgpt api english french german spanish italian latin monday tuesday"
    " wednesday thursday friday saturday sunday january february march april may june"
    " july august september october november december internet earth"
)
"""Capitalised words of English that name nobody."""

ACKNOWLEDGING = _set(
    # English, and control words of chats
    "ok okay k kk thanks thank thx ty tysm you so much very a lot cool nice great good"
    " awesome amazing perfect wonderful excellent brilliant lovely sweet lol lmao haha"
    " hahaha hah heh hm hmm hmmm mhm wow whoa ah aha oh ooh got it i see understood"
    " right alright makes sense fair enough interesting true exactly indeed hi hello"
    " hey bye goodbye see later morning night evening afternoon again continue go on"
    " next more please one that this is helpful works worked"
    # German
    " danke dankeschön super toll klasse prima gut alles klar verstehe verstanden genau"
    " stimmt hallo moin tschüss weiter bitte schön vielen dank sehr"
    # French
    " merci beaucoup d accord bien parfait génial compris bonjour bonsoir salut oui-oui"
    " encore suite"
    # Spanish, Portuguese, Italian
    " gracias muchas vale perfecto genial bueno entendido hola adiós claro jaja jajaja"
    " sigue obrigado obrigada valeu beleza legal entendi olá tchau kkk kkkk grazie"
    " perfetto capito ciao bene mille"
    # Others
    " спасибо ок понятно хорошо привет отлично ясно dziękuję dzięki super tak-tak"
    " teşekkürler tamam merhaba"
    " 谢谢 好的 好 嗯 哈哈 你好 明白了 ありがとう ありがとうございます なるほど"
    " こんにちは 감사합니다 고마워 네네 شكرا مرحبا धन्यवाद नमस्ते"
)
"""A message of nothing but these says thanks, hello or go on. Yes and no are not among
them: they may answer a question about the person."""
