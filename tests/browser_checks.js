/* What tests/test_accessibility.py asks of a page: each check returns what it finds, as lines of text. */
globalThis.checks = (() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const start = (element) => element.outerHTML.slice(0, 140);
  const visible = (e) => e.checkVisibility({ visibilityProperty: true });

  /* --- the state of the page ------------------------------------------------------------------ */

  const unfold = () => all("details").forEach((d) => (d.open = true));

  const mostTabs = () => Math.max(0, ...all(".sd-tab-set").map((set) => set.querySelectorAll(":scope > input").length));

  const chooseTabs = (rank) => all(".sd-tab-set").forEach((set) => set.querySelectorAll(":scope > input")[rank]?.click());

  /* A chapter has thousands of code tokens of a dozen kinds. Of those of one kind in blocks of one kind,
     which no rule of the style tells apart, axe reads one; the others become plain text of their block. */
  function oneTokenOfEachKind() {
    const seen = new Set();
    for (const token of all("pre span")) {
      if (token.children.length) continue;
      let kind = "";
      for (let e = token; e && e.tagName !== "ARTICLE"; e = e.parentElement) kind += `${e.tagName} ${e.className}|`;
      if (seen.has(kind)) token.replaceWith(...token.childNodes);
      seen.add(kind);
    }
  }

  /* --- the focus ------------------------------------------------------------------------------ */

  const channels = (color) => (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);

  function luminance(color) {
    const linear = channels(color)
      .slice(0, 3)
      .map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }

  function contrast(one, other) {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  function background(element) {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if ((channels(color)[3] ?? 1) === 1) return color;
    }
    return "rgb(255, 255, 255)";
  }

  /* A radio button of a set of tabs is covered by its label, which shows its focus and takes its clicks. */
  const shown = (element) => (element.matches(".sd-tab-set > input") ? element.labels[0] : element);

  function hasRing(element) {
    const style = getComputedStyle(shown(element));
    const thick = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return thick && contrast(style.outlineColor, background(shown(element).parentElement)) >= 3;
  }

  function inSight(element) {
    const target = shown(element);
    const box = target.getBoundingClientRect();
    const header = document.querySelector(".entete");
    const sticky = header && getComputedStyle(header).position === "sticky" && !header.contains(target);
    const top = sticky && !target.closest(".evitement, dialog, nav") ? header.getBoundingClientRect().bottom : 0;
    const onScreen = box.bottom > top && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return onScreen && box.width > 0 && target.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  }

  /* A group of radio buttons has one stop: the checked one, or the first where none is. */
  function stopOfGroup(radio) {
    const group = `input[type="radio"][name="${CSS.escape(radio.name)}"]`;
    return document.querySelector(`${group}:checked`) || document.querySelector(group);
  }

  /* Every element that Tab should reach. */
  const reachable = () =>
    all("a[href], button, input, select, textarea, summary, [tabindex]").filter(
      (e) => e.tabIndex >= 0 && !e.disabled && !e.closest("dialog:not([open])") && visible(e) && (e.type !== "radio" || e === stopOfGroup(e)),
    );

  const visited = new Set();

  /* The element that has the focus now; null when Tab has left the page, or has begun a new round. */
  function stop() {
    const e = document.activeElement;
    const [first] = visited;
    if (!e || e === document.body || (e === first && visited.size > 1)) return null;
    visited.add(e);
    const found = [];
    if (!inSight(e)) found.push(`out of sight: ${start(e)}`);
    if (!hasRing(e)) found.push(`focus not visible: ${start(e)}`);
    return { found, name: e.className, inText: e.closest("#main-content") !== null };
  }

  const missed = () => reachable().filter((e) => !visited.has(e)).map((e) => `not reached: ${start(e)}`);

  function withoutRing() {
    return reachable().flatMap((e) => {
      e.focus();
      return hasRing(e) ? [] : [`focus not visible: ${start(e)}`];
    });
  }

  /* --- blocks that scroll, targets -------------------------------------------------------------- */

  function scrolls(e) {
    const style = getComputedStyle(e);
    const sideways = e.scrollWidth > e.clientWidth && /auto|scroll/.test(style.overflowX);
    const down = e.scrollHeight > e.clientHeight && /auto|scroll/.test(style.overflowY);
    return (sideways || down) && e.clientWidth > 0 && visible(e);
  }

  /* A menu that scrolls is reached by its links. */
  function reachedAndNamed(e) {
    if (e.matches("nav[aria-label], nav[aria-labelledby]")) return e.querySelector("a, button, summary") !== null;
    return e.tabIndex >= 0 && e.hasAttribute("role") && e.hasAttribute("aria-label");
  }

  const outOfReach = () => all("body *").filter((e) => scrolls(e) && !reachedAndNamed(e)).map((e) => `scrolls out of reach: ${start(e)}`);

  const IN_TEXT = "p, li, td, th, dd, caption, figcaption, h1, h2, h3, h4";
  const SCROLLERS = "pre, .formule, .tableau-cadre, .pst-scrollable-table-container";

  /* WCAG 2.5.8: 24 by 24 px, but for a link in a text, which is as high as its line. */
  function smallTargets() {
    const inText = (e) => e.tagName === "A" && getComputedStyle(e).display === "inline" && e.closest(IN_TEXT);
    const small = (box) => box.width < 24 || box.height < 24;
    const targets = reachable().filter((e) => !e.matches(SCROLLERS) && !inText(e));
    return targets.filter((e) => small(shown(e).getBoundingClientRect())).map((e) => `small target: ${start(e)}`);
  }

  /* --- figures and paper -------------------------------------------------------------------------- */

  function filtered(image) {
    for (let e = image; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.filter !== "none" || style.mixBlendMode !== "normal" || Number(style.opacity) < 1) return true;
    }
    return false;
  }

  const onWhite = (image) => background(image) === "rgb(255, 255, 255)";

  const badFigures = () =>
    all("article img, article svg:not([aria-hidden=true])").filter((e) => filtered(e) || !onWhite(e)).map(start);

  function badPaper() {
    const drawn = (e) => visible(e) && e.getBoundingClientRect().height > 0;
    const cut = (e) =>
      getComputedStyle(e).overflowX !== "visible" && e.clientWidth > 0 && !e.closest("math, svg, .masque") &&
      (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
    const off = (e) => drawn(e) && e.getBoundingClientRect().right > innerWidth + 1;
    const lines = (kind, elements) => elements.map((e) => `${kind}: ${start(e)}`);
    return [
      ...lines("shown", all("button, input, nav, dialog").filter(drawn)),
      ...lines("folded", all("article details:not([open])")),
      ...lines("hidden", all("article .sd-tab-content").filter((e) => !drawn(e))),
      ...lines("cut", all("article *").filter(cut)),
      ...lines("off the sheet", all("article *").filter(off)),
      ...lines("dark", document.documentElement.dataset.theme === "light" ? [] : [document.documentElement]),
    ];
  }

  return {
    unfold, mostTabs, chooseTabs, oneTokenOfEachKind, stop, missed, withoutRing, outOfReach, smallTargets, badFigures, badPaper,
    stops: () => reachable().length,
  };
})();
