/* Interactive figures: the live chart takes the picture's place when it nears the screen. Whatever
   fails leaves the picture; the table of the data is there in any case. */
(() => {
  const script = document.currentScript;
  const NEAR = "400px";
  let library;

  /* One load for all figures. */
  function load() {
    library ??= new Promise((resolve, reject) => {
      const tag = document.createElement("script");
      tag.src = new URL(script.dataset.library, script.src).href;
      tag.onload = () => (window.cahiersVega ? resolve(window.cahiersVega) : reject(new Error("Vega")));
      tag.onerror = () => reject(new Error(tag.src));
      document.head.append(tag);
    });
    return library;
  }

  function element(name, className, parent) {
    const node = document.createElement(name);
    node.className = className;
    parent.append(node);
    return node;
  }

  const text = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

  /* What the mouse points at, as text; Escape hides it, and it stays away from the screen's edges. */
  function tooltip(box) {
    const bubble = element("div", "figure-infobulle", box);
    bubble.setAttribute("aria-hidden", "true"); // the table says it to those who cannot point
    bubble.hidden = true;
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") bubble.hidden = true;
    });
    return (handler, event, item, value) => {
      bubble.hidden = value === null || value === undefined || value === "";
      if (bubble.hidden) return;
      const rows = typeof value === "object" ? Object.entries(value) : [["", value]];
      bubble.replaceChildren();
      for (const [name, content] of rows) {
        const row = element("div", "", bubble);
        if (name) element("span", "figure-infobulle-nom", row).textContent = name;
        element("span", "", row).textContent = text(content);
      }
      const { width, height } = bubble.getBoundingClientRect();
      const side = event.clientX + 14 + width > document.documentElement.clientWidth ? event.clientX - 14 - width : event.clientX + 14;
      const above = event.clientY - 14 - height;
      bubble.style.left = `${Math.max(4, side)}px`;
      bubble.style.top = `${above < 4 ? event.clientY + 20 : above}px`;
    };
  }

  /* Draw in `plot`; the inputs that the chart asks for go in `inputs`. */
  async function draw(box, plot, inputs) {
    const { View, parse, expressionInterpreter } = await load();
    const image = box.querySelector("img");
    const program = JSON.parse(box.querySelector("script").textContent);
    const view = new View(parse(program, null, { ast: true }), {
      expr: expressionInterpreter,
      hover: true,
      loader: { load: () => Promise.reject(new Error("no loading")), sanitize: async (uri) => ({ href: uri }) },
      logLevel: 1,
      renderer: "svg",
      tooltip: tooltip(box),
    });
    // as wide as its picture, borders added, and narrower where the page is
    if ("fluid" in box.dataset) plot.parentElement.style.width = `calc(${box.dataset.width}px + 0.8rem + 2px)`;
    view.initialize(plot, inputs);
    await view.runAsync();
    const svg = plot.querySelector("svg");
    if (!svg) throw new Error("nothing drawn");
    svg.setAttribute("aria-hidden", "true");
    plot.setAttribute("role", "img");
    plot.removeAttribute("aria-roledescription");
    plot.setAttribute("aria-label", image.alt);
    image.loading = "eager"; // hidden from now on, it may still be printed
  }

  function figure(box, rank) {
    const picture = box.querySelector("a.image-reference") || box.querySelector("img");
    const inputs = element("div", "figure-reglages", box);
    const scroller = element("div", "figure-vive", box);
    const plot = element("div", "figure-trace", scroller);
    const button = element("button", "bouton figure-bascule", box);
    button.type = "button";
    box.insertBefore(button, inputs);
    let drawing, live;

    function show(wanted) {
      live = wanted;
      picture.classList.toggle("figure-a-imprimer", live);
      inputs.hidden = scroller.hidden = !live;
      button.textContent = box.dataset[live ? "labelStill" : "labelLive"];
      reach();
    }

    /* A chart wider than the page scrolls in its card: the keyboard reaches it. */
    function reach() {
      const scrolls = live && scroller.scrollWidth > scroller.clientWidth + 1;
      const name = `${box.dataset.labelLive} (${rank + 1})`; // names of regions differ
      const wanted = { tabindex: "0", role: "region", "aria-label": name };
      for (const [key, value] of Object.entries(wanted))
        scrolls ? scroller.setAttribute(key, value) : scroller.removeAttribute(key);
    }

    async function start() {
      drawing ??= (async () => {
        scroller.hidden = inputs.hidden = false; // a chart needs to know how wide it may be
        await draw(box, plot, inputs);
      })();
      try {
        await drawing;
        show(true);
      } catch (error) {
        console.warn(error.message);
        [button, inputs, scroller].forEach((node) => node.remove());
      }
    }

    addEventListener("resize", reach);
    button.addEventListener("click", () => (live ? show(false) : start()));
    show(false);
    return start;
  }

  const starts = new Map([...document.querySelectorAll(".figure-vega")].map((box, rank) => [box, figure(box, rank)]));
  if (navigator.connection?.saveData) return; // the button remains
  const observer = new IntersectionObserver(
    (entries) =>
      entries
        .filter((entry) => entry.isIntersecting)
        .forEach(({ target }) => {
          observer.unobserve(target);
          starts.get(target)();
        }),
    { rootMargin: NEAR },
  );
  starts.forEach((_start, box) => observer.observe(box));
})();
