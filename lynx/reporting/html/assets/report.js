// Filters the list of questions; opens what is folded before it is printed.
"use strict";
(() => {
  const form = document.getElementById("filters");
  if (form) {
    const cases = [...document.querySelectorAll(".case")].map((element) => ({
      element,
      kinds: element.dataset.kinds.split(" "),
      text: element.textContent.toLowerCase(),
    }));
    const buttons = [...form.querySelectorAll("button[data-kind]")];
    const field = (name) => form.querySelector(`[name=${name}]`);
    const count = document.getElementById("count");
    let kind = "";

    const isKind = (own) => {
      const place = field("variant") ? field("variant").value : "";
      return own.some((token) => {
        const [name, at] = token.split("-");
        return (!kind || name === kind) && (!place || at === place);
      });
    };
    const show = () => {
      const words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
      const benchmark = field("benchmark").value;
      const category = field("category").value;
      let shown = 0;
      for (const { element, kinds, text } of cases) {
        const fits = isKind(kinds)
          && (!benchmark || element.dataset.benchmark === benchmark)
          && (!category || element.dataset.category === category)
          && words.every((word) => text.includes(word));
        element.hidden = !fits;
        shown += fits;
      }
      count.textContent = `${shown} of ${cases.length} questions`;
    };
    for (const button of buttons) {
      button.addEventListener("click", () => {
        kind = button.dataset.kind;
        for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
        show();
      });
    }
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    show();
  }
  window.addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  });
})();
