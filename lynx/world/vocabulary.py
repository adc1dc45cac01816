"""The words of the miniature world: what can be seen in it, and what follows from what is seen."""

COLORS = ("red", "green", "blue", "yellow", "purple", "orange", "white", "black")
SHAPES = ("circle", "square", "triangle", "star", "cross", "heart")
PLURALS = {
    "circle": "circles",
    "square": "squares",
    "triangle": "triangles",
    "star": "stars",
    "cross": "crosses",
    "heart": "hearts",
}
COLUMNS = ("left", "middle", "right")
ROWS = ("top", "bottom")
TIMES = ("day", "night")

# What people can do at a place, and what a person who does something needs, are knowledge: they
# are never drawn, so an answer needs the picture and the language model's memory together.
PLACES = {
    "beach": "swim",
    "forest": "hike",
    "street": "drive",
    "kitchen": "cook",
    "farm": "plow",
    "desert": "ride",
    "mountain": "ski",
    "stage": "sing",
}
ACTIONS = {
    "running": "shoes",
    "sleeping": "bed",
    "reading": "book",
    "fishing": "rod",
    "painting": "brush",
    "drinking": "cup",
    "waving": "hand",
    "digging": "shovel",
}
FOODS = ("apple", "bread", "cake", "cheese", "carrot", "egg")
STYLES = ("cubism", "pointillism", "minimalism")

# fmt: off
SIGN_WORDS = (
    "bank", "bear", "cafe", "duck", "exit", "gold", "ice", "jazz", "king", "lion", "milk", "moon",
    "park", "pizza", "taxi", "zoo",
)
# fmt: on

MOVES = ("left", "right", "up", "down")
EVENT_KINDS = ("moves", "appears", "vanishes", "turns")
MAX_THINGS = 4
