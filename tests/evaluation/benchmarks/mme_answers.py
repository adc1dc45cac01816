"""MME answers of many shapes with what the official script and the harnesses take them for.

The labels and the scores were written down from runs of the official script (with scikit-learn
1.9.1), and from the rules of lmms-eval and VLMEvalKit as published; none of them runs here.
"""

from __future__ import annotations

from lynx.evaluation.results import Prediction

SUFFIX = " Please answer yes or no."
# The answer; then yes, no or other by the official script, by lmms-eval, by VLMEvalKit.
SHAPES = (
    ("", "other", "other", "other"),
    (" ", "other", "other", "other"),
    ("yes", "yes", "yes", "yes"),
    ("no", "no", "no", "no"),
    ("Yes", "yes", "yes", "yes"),
    ("No", "no", "no", "no"),
    ("YES", "yes", "yes", "yes"),
    ("NO", "no", "no", "no"),
    ("Yes.", "yes", "yes", "yes"),
    ("No.", "no", "no", "no"),
    ("yes,", "yes", "yes", "yes"),
    ("no,", "no", "no", "no"),
    ("y", "other", "yes", "other"),
    ("n", "other", "no", "other"),
    ("Y", "other", "yes", "other"),
    ("N", "other", "no", "other"),
    ("y.", "other", "yes", "other"),
    ("n.", "other", "no", "other"),
    (" yes", "yes", "yes", "yes"),
    ("  yes", "other", "yes", "yes"),
    ("   yes", "other", "yes", "yes"),
    ("    yes", "other", "yes", "yes"),
    ("\tyes", "yes", "yes", "yes"),
    ("\nyes", "yes", "yes", "yes"),
    ("\r\nno", "no", "no", "no"),
    ("not sure", "no", "no", "other"),
    ("know", "no", "no", "other"),
    ("nothing", "no", "no", "other"),
    ("None", "no", "no", "other"),
    ("nope", "no", "no", "other"),
    ("yesterday", "yes", "yes", "other"),
    ("eyes", "yes", "yes", "other"),
    ("the answer is yes", "other", "other", "yes"),
    ("The answer is no", "other", "other", "no"),
    ("**Yes**", "other", "other", "other"),
    ("**No**", "no", "no", "other"),
    ("*Yes*", "yes", "yes", "other"),
    ("*no*", "no", "no", "other"),
    ('"Yes"', "yes", "yes", "yes"),
    ("'no'", "no", "no", "other"),
    ("(yes)", "yes", "yes", "yes"),
    ("[no]", "no", "no", "no"),
    ("A: yes", "other", "other", "yes"),
    ("A: no", "other", "other", "no"),
    ("n/a", "other", "other", "other"),
    ("N o", "other", "other", "other"),
    ("ye s", "other", "other", "other"),
    ("Yes, no", "yes", "yes", "other"),
    ("No, yes", "no", "no", "other"),
    ("yes or no", "yes", "yes", "other"),
    ("no or yes", "no", "no", "other"),
    ("yes/no", "yes", "yes", "other"),
    ("no-yes", "no", "no", "other"),
    ("I don't know", "other", "other", "other"),
    ("cannot", "other", "other", "other"),
    ("unknown", "other", "other", "other"),
    ("snow", "no", "no", "other"),
    ("noyes", "no", "no", "other"),
    ("yesno", "yes", "yes", "other"),
    ("oyes", "yes", "yes", "other"),
    ("xno y", "no", "no", "other"),
    ("1. no", "other", "no", "no"),
    ("..no", "no", "no", "no"),
    ("...no", "other", "no", "no"),
    ("....no", "other", "no", "no"),
    (".yes", "yes", "yes", "yes"),
    ("Oui", "other", "other", "other"),
    ("\u662f", "other", "other", "other"),
    ("\uff59\uff45\uff53", "other", "other", "other"),
    ("\xfdes", "other", "other", "other"),
    ("yeS it is\nNo", "yes", "yes", "other"),
    ("\u0130yes", "other", "other", "other"),
    ("\ufb01no", "no", "no", "other"),
    ("\x0cno", "no", "no", "no"),
    ("\x85yes", "yes", "yes", "yes"),
    ("\u2028yes", "yes", "yes", "yes"),
    ("no\u2028", "no", "no", "no"),
    ("\x1cno", "no", "no", "no"),
    ("no" * 50, "no", "no", "other"),
    ("null", "other", "other", "other"),
    ("true", "other", "other", "other"),
    ("false", "other", "other", "other"),
    ("True", "other", "other", "other"),
    ("1", "other", "other", "other"),
    ("0", "other", "other", "other"),
    ("Answer: Yes", "other", "other", "yes"),
    ("answer:no", "other", "other", "other"),
    ("Yes\t", "yes", "yes", "yes"),
    ("no\t\tyes", "no", "no", "other"),
    ("maybe", "other", "other", "other"),
    ("sure", "other", "other", "other"),
    ("of course not", "other", "other", "other"),
    ("definitely", "other", "other", "other"),
    ("not at all", "no", "no", "other"),
    ("yes!", "yes", "yes", "yes"),
    ("no!", "no", "no", "no"),
    ("yes?", "yes", "yes", "yes"),
    ("no?", "no", "no", "no"),
    ("-yes", "yes", "yes", "yes"),
    ("- no", "no", "no", "no"),
    ("#no", "no", "no", "other"),
    ("@yes", "yes", "yes", "yes"),
    ("<yes>", "yes", "yes", "yes"),
    ("</s>no", "other", "other", "no"),
    ("<s> yes", "other", "other", "yes"),
    ("yep", "other", "other", "other"),
    ("nah", "other", "other", "other"),
    ("yea", "other", "other", "other"),
    ("ye", "other", "other", "other"),
    ("\xa0yes", "yes", "yes", "yes"),
    ("\u3000no", "no", "no", "no"),
    ("\U0001f642 no", "no", "no", "no"),
    ("\U0001f642\U0001f642\U0001f642no", "other", "other", "other"),
    ("\U0001f642\U0001f642\U0001f642yes", "other", "other", "other"),
    ("no.1", "no", "no", "other"),
    ("2,3 yes!no", "other", "other", "other"),
    ("yes,no 1,2", "yes", "yes", "other"),
)
# Pictures of a made-up benchmark, and what the official script prints for `messy_predictions`.
SIZES = {
    "existence": 7, "count": 3, "position": 13, "color": 11, "posters": 17, "celebrity": 19,
    "scene": 23, "landmark": 29, "artwork": 31, "OCR": 6, "commonsense_reasoning": 14,
    "numerical_calculation": 9, "text_translation": 21, "code_reasoning": 10,
}  # fmt: skip
OFFICIAL_SCORES = {
    "existence": "157.14285714285714",
    "count": "50.0",
    "position": "119.23076923076923",
    "color": "90.9090909090909",
    "posters": "111.76470588235294",
    "celebrity": "73.6842105263158",
    "scene": "115.21739130434783",
    "landmark": "117.24137931034483",
    "artwork": "117.74193548387096",
    "OCR": "75.0",
    "commonsense_reasoning": "125.0",
    "numerical_calculation": "99.99999999999999",
    "text_translation": "85.71428571428571",
    "code_reasoning": "95.0",
}
OFFICIAL_SUMS = {"perception": "1027.9323397899498", "cognition": "405.7142857142857"}


def predict(task: str, image: str, truth: str, answer: str, *, picture: str = "") -> Prediction:
    """A prediction for the question of `task` about `image` whose right answer is `truth`."""
    return Prediction(
        id=f"{task}/{image}/{truth}",
        category=task,
        question=f"{truth}?{SUFFIX}",
        answer=truth,
        picture=picture,
        prompt=f"{truth}?{SUFFIX}",
        prediction=answer,
        image_name=f"{task}/{image}",
    )


def messy_predictions() -> list[Prediction]:
    """Predictions for all tasks: some right, the others of every shape in turn."""
    predictions: list[Prediction] = []
    for task, num_images in SIZES.items():
        for image in range(num_images):
            for truth in ("Yes", "No"):
                k = len(predictions)
                answer = truth if k * k % 7 in (1, 2) else SHAPES[k % len(SHAPES)][0]
                predictions.append(predict(task, f"{image:03d}.jpg", truth, answer))
    return predictions
