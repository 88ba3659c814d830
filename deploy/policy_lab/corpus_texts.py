"""Sentences of the made corpus: what people tell, ask and say, in four languages."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A kind of fact.

    Attributes:
        values: What may fill ``{v}``.
        ways: Sentences for each way of telling it; see `conversations.WAYS`.
        question: What the assistant asks when the way is ``answer``.
    """

    values: tuple[str, ...]
    ways: Mapping[str, tuple[str, ...]]
    question: str


TOPICS: Mapping[str, Topic] = {
    "home": Topic(
        values=("Porto", "Leeds", "Austin", "Gdansk", "Kyoto", "Lyon", "Perth", "Oslo"),
        ways={
            "plain": ("I live in {v} now.", "We moved to {v} in spring."),
            "elliptic": ("Just moved to {v}.", "Living in {v} since last year."),
            "implicit": ("The rent in {v} went up again, so I may have to share.",),
            "hidden": ("What does one do on weekends after moving to {v} alone?",),
            "answer": ("{v}, for two years.",),
        },
        question="Where do you live at the moment?",
    ),
    "work": Topic(
        values=("nurse", "baker", "welder", "translator", "lawyer", "florist", "tutor"),
        ways={
            "plain": ("I work as a {v}.", "I am a {v}, have been for ages."),
            "elliptic": ("Been a {v} for nine years.",),
            "implicit": ("My shift as a {v} starts at six, as always.",),
            "hidden": ("How should a {v} with a bad back plan the week?",),
            "answer": ("{v}, full time.",),
        },
        question="What do you do for a living?",
    ),
    "child": Topic(
        values=("Mia", "Tom", "Ada", "Leo", "Nora", "Emil", "Iris", "Max"),
        ways={
            "plain": ("My daughter {v} is four.", "I have a child, {v}."),
            "elliptic": ("{v} started school this week, all tears.",),
            "implicit": ("{v} will not sleep without the light, so neither do I.",),
            "hidden": ("Write a birthday rhyme for {v}, turning five on Sunday.",),
            "answer": ("One, {v}.",),
        },
        question="Do you have children?",
    ),
    "partner": Topic(
        values=("Sam", "Lena", "Jo", "Marek", "Aiko", "Paul", "Rita", "Kim"),
        ways={
            "plain": ("My partner {v} thinks the same.", "I married {v} in May."),
            "elliptic": ("Engaged to {v} since Friday!",),
            "implicit": ("{v} and I still argue about who cooks at our place.",),
            "hidden": ("What could one give {v} for a tenth wedding anniversary?",),
            "answer": ("Yes, with {v}.",),
        },
        question="Are you with somebody?",
    ),
    "food": Topic(
        values=("vegan", "vegetarian", "pescatarian", "gluten-free", "halal", "kosher"),
        ways={
            "plain": ("I eat {v} only.", "I have been {v} for years."),
            "elliptic": ("Strictly {v} since March.",),
            "implicit": ("At the barbecue there was nothing {v} for me again.",),
            "hidden": ("Suggest three {v} dinners for a week without shopping twice.",),
            "answer": ("{v}, always.",),
        },
        question="Is there something that you do not eat?",
    ),
    "hobby": Topic(
        values=(
            "climbing",
            "chess",
            "pottery",
            "rowing",
            "knitting",
            "birding",
            "judo",
        ),
        ways={
            "plain": ("I go {v} twice a week.", "I really love {v}."),
            "elliptic": ("Took up {v} again, finally.",),
            "implicit": ("Sundays are for {v}, so I cannot come then.",),
            "hidden": ("Is {v} every Tuesday and Thursday too much at sixty?",),
            "answer": ("Mostly {v}.",),
        },
        question="What do you do in your free time?",
    ),
    "goal": Topic(
        values=("Spanish", "the cello", "sailing", "carpentry", "Python", "drawing"),
        ways={
            "plain": ("I want to learn {v} this year.", "My goal is to master {v}."),
            "elliptic": ("Set on learning {v} before the summer.",),
            "implicit": ("I signed up for a course in {v}, two evenings a week.",),
            "hidden": ("Make a plan for learning {v} in ten months, evenings only.",),
            "answer": ("To learn {v}.",),
        },
        question="What would you like to reach this year?",
    ),
    "pet": Topic(
        values=("Rex", "Luna", "Moss", "Biscuit", "Zorro", "Pepper", "Otto", "Nala"),
        ways={
            "plain": ("My dog {v} is old.", "I adopted a cat, {v}."),
            "elliptic": ("{v} chewed the sofa again, bad dog.",),
            "implicit": ("I can only travel where {v} may come, leash and all.",),
            "hidden": ("Which food suits {v}, a lazy twelve-year-old beagle?",),
            "answer": ("A dog, {v}.",),
        },
        question="Do you have a pet?",
    ),
    "feeling": Topic(
        values=("flying", "phone calls", "being alone", "crowds", "the dark", "exams"),
        ways={
            "plain": ("I have always been afraid of {v}.", "I cannot stand {v}."),
            "elliptic": ("Never got over the fear of {v}.",),
            "implicit": ("I took the long way again, because of {v} as usual.",),
            "hidden": ("How does one get through a week full of {v} without panic?",),
            "answer": ("Of {v}, since childhood.",),
        },
        question="What are you most afraid of?",
    ),
    "other": Topic(
        values=(
            "de Porto",
            "de Lima",
            "aus Kassel",
            "aus Wien",
            "de Braga",
            "aus Jena",
        ),
        ways={
            "plain": (
                "Soy {v}, vivo aquí solo.",
                "Ich komme {v} und lebe allein hier.",
            ),
            "elliptic": ("Lebe allein hier, eigentlich {v}.",),
            "implicit": ("O meu pai ainda mora longe, eu sou {v}.",),
            "hidden": ("Was kocht man am besten für Gäste {v}, alles alte Freunde?",),
            "answer": ("{v}, ja.",),
        },
        question="Where are you from?",
    ),
}

LATE = (
    "So the report was late again because two departments sent their numbers in the"
    " wrong format and nobody noticed until noon. {told} Anyway, by three it was"
    " finally sent, and now they want the same for the last quarter as well. How would"
    " one automate that without a database?"
)
STUCK = (
    "Long story. The train stood still for an hour, the heating was broken and a"
    " choir was practising in the next carriage. {told} When it moved at last the"
    " connection was gone. Is there a way to get the fare back for that?"
)
BURIED = (LATE, STUCK)

CHOICE = ("The second one, that is exactly how it is with me.", "Definitely number 3.")

CHATTER = (
    "Today was a bit much, I just want to sit here.",
    "I am so tired right now.",
    "That still feels off to me, but it helps to write it down.",
    "We laughed a lot at lunch, no idea why.",
    "I slept badly tonight.",
    "It rained all day and everybody was in a mood.",
    "I think you are right about that.",
    "Not sure what to say to that.",
    "She did not answer, so I am waiting.",
    "Hoy fue un día largo y estoy cansado.",
    "Heute war viel los, ich bin müde.",
    "Hoje foi um dia longo.",
    "The second half was better than the first.",
    "I will think about it and come back later.",
)

ASKING_SELF = (
    "What should I say when she calls?",
    "Do you think I was too harsh?",
    "Should I just let it go for today?",
    "How do I stop thinking about it tonight?",
    "Can you help me to find the right words for this?",
)

ASKING = (
    "What is the capital of Mongolia?",
    "How does a heat pump work?",
    "Why is the sky red in the evening?",
    "Which is older, tea or coffee?",
    "How do I reverse a list in Python?",
    "What is the difference between a virus and a bacterium?",
    "Can you explain compound interest?",
    "When was the printing press invented?",
    "Wie spät ist es jetzt in Tokio?",
    "¿Qué es la fotosíntesis?",
    "Qual é a diferença entre clima e tempo?",
    "Is it true that bees sleep?",
)

ORDERING = (
    "Write a short product text for a desk lamp.",
    "Translate the second paragraph into French, please.",
    "Make it shorter and less formal.",
    "Now add a test for the empty list.",
    "Fix the indentation:\n```\ndef total(rows):\n  return sum(rows)\n```",
    "Please summarise the text in three sentences.",
    "Give me five titles for this.",
    "Explain the error in line 12.",
    "Rewrite it as a table with two columns.",
    "Übersetze das bitte ins Englische.",
    "Can you refactor the function so that it takes a list?",
)

WORKING = (
    "It still fails with error 5 in the same line.",
    "The customer wants the logo on the left.",
    "The numbers in column B do not add up.",
    "I get a timeout when I run the second query.",
    "That works, but the output is in the wrong order.",
    "We need this by Friday for the client.",
)

THANKING = (
    "Thanks!",
    "ok",
    "Great, thank you so much",
    "lol",
    "I see, thanks",
    "👍",
    "Got it",
    "haha nice",
    "Danke!",
    "gracias",
    "obrigado",
    "Perfect.",
    "hm",
    "Good morning!",
)

FILLER = (
    "That makes sense, and many people would see it the same way.",
    "There are a few things to keep in mind here, and the order matters.",
    "First, look at what you already have before adding something new to it.",
    "A small step is often enough to find out whether the direction is right.",
    "In most cases the simplest of these options is also the most robust one.",
    "If that does not work, the second approach is to split it into two parts.",
    "It helps to write the result down and to compare it after a few days.",
    "Option one is quicker, option two is cheaper, and option three lasts longest.",
    "The reason is mostly historical, but the effect can still be seen today.",
    "You can leave the last part out without losing anything that matters.",
)

ENDING = (
    "Would you like an example?",
    "Shall we go on with the next part?",
    "How does that sound?",
    "Do you want to tell me more about it?",
)
