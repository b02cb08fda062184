/* Questions that answer, exercises that one ticks, and how far a reader has come. All of it is kept in this
   browser only: nothing is sent. Without this script questions and answers read all the same. */
(() => {
  const KEY = "progression";
  const article = document.querySelector("article");
  const label = (name) => article.getAttribute(`data-label-${name}`) || "";
  const fill = (words, ...values) => values.reduce((text, value) => text.replace("{}", value), words);
  const one = (number) => new Intl.PluralRules(document.documentElement.lang).select(number) === "one";
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

  /* `notebooks/theme/chapter`, wherever the book is published. */
  const name = (address) => (new URL(address, location.href).pathname.match(/notebooks\/.+?(?=\.html$)/) || [""])[0];

  /* What has been done, by chapter: the ids of its questions and of its exercises. */
  let kept = {};

  function load(chapter) {
    try {
      kept = JSON.parse(localStorage.getItem(KEY)) || {};
    } catch {
      /* storage refused or spoilt: what this page knows */
    }
    return { questions: new Set(kept[chapter]?.questions), exercises: new Set(kept[chapter]?.exercises) };
  }

  function save(chapter, done) {
    kept[chapter] = { questions: [...done.questions], exercises: [...done.exercises] };
    if (!done.questions.size && !done.exercises.size) delete kept[chapter];
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      /* storage refused: it lasts for this page */
    }
  }

  function sentence(questions, exercises, total) {
    const words = label(one(questions) ? "progress-one" : "progress-many");
    return fill(words, questions, total.questions, exercises, total.exercises);
  }

  const finished = (questions, exercises, total) => questions === total.questions && exercises === total.exercises;

  function element(tag, className, text = "") {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function button(text, action) {
    const made = element("button", "bouton", text);
    made.type = "button";
    made.addEventListener("click", action);
    return made;
  }

  function status(className) {
    const made = element("p", className);
    made.setAttribute("role", "status");
    return made;
  }

  /* --- a chapter ------------------------------------------------------------------------------ */

  function chapter() {
    const here = name(location.href);
    const questions = all("section.question");
    const exercises = all("section.exercice");
    if (!here || !questions.length) return;
    const line = status("progres-compte");
    const known = { questions: new Set(questions.map((q) => q.id)), exercises: new Set(exercises.map((e) => e.id)) };

    /* Only what the page still holds: a question that was rewritten is a new one. */
    function done() {
      const found = load(here);
      for (const kind of Object.keys(found)) found[kind] = new Set([...found[kind]].filter((id) => known[kind].has(id)));
      return found;
    }

    function show() {
      const [q, e] = [done().questions.size, done().exercises.size];
      const total = { questions: questions.length, exercises: exercises.length };
      const words = sentence(q, e, total);
      line.textContent = finished(q, e, total) ? `${label("chapter-done")} ${words}` : words;
    }

    function mark(kind, id, yes) {
      const now = done();
      if (yes) now[kind].add(id);
      else now[kind].delete(id);
      save(here, now);
      show();
    }

    const before = done();
    const forgetQuestions = questions.map((q) => question(q, before.questions.has(q.id), () => mark("questions", q.id, true)));
    const forgetExercises = exercises.map((e) => exercise(e, before.exercises.has(e.id), (yes) => mark("exercises", e.id, yes)));

    function restart() {
      forgetQuestions.forEach((forget) => forget());
      save(here, { ...done(), questions: new Set() });
      show();
    }

    function erase() {
      forgetExercises.forEach((forget) => forget());
      save(here, { questions: new Set(), exercises: new Set() });
      restart();
    }

    const again = element("p", "quiz-recommencer");
    again.append(
      button(label("restart"), () => {
        restart();
        questions[0].querySelector("input").focus();
      }),
    );
    questions.at(-1).after(again);
    const box = element("div", "progres");
    box.append(line, button(label("erase"), erase), element("p", "progres-ou", label("kept-here")));
    article.append(box);
    show();
  }

  /* A question: its button, and the region that says what comes of it. Returns what empties it. */
  function question(section, wasRight, onRight) {
    const choices = section.querySelector(".choix");
    const answer = section.querySelector("details");
    const right = choices.querySelector(`input[value="${choices.dataset.answer}"]`);
    const said = status("question-etat");

    function say(text, isRight = false) {
      said.textContent = text;
      said.classList.toggle("juste", isRight);
    }

    function check() {
      const chosen = choices.querySelector("input:checked");
      if (!chosen) return say(label("choose"));
      if (chosen !== right) return say(fill(label("not-yet"), chosen.value));
      say(label("right"), true);
      answer.open = true;
      onRight();
    }

    choices.addEventListener("change", () => say(""));
    choices.append(button(label("check"), check), said);
    if (wasRight) {
      right.checked = true;
      say(label("right"), true);
    }
    return () => {
      all("input", choices).forEach((input) => (input.checked = false));
      answer.open = false;
      say("");
    };
  }

  /* An exercise: a box to tick under it. Returns what unticks it. */
  function exercise(section, wasDone, onChange) {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = wasDone;
    box.setAttribute("aria-describedby", `${section.id}-titre`);
    box.addEventListener("change", () => onChange(box.checked));
    const line = element("label", "exercice-fait");
    line.append(box, label("exercise-done"));
    section.append(line);
    return () => (box.checked = false);
  }

  /* --- lists of chapters ------------------------------------------------------------------------ */

  function lists() {
    all(".avancee").forEach((mark) => mark.remove());
    for (const item of all(".chapitre-lien")) {
      const link = item.querySelector("a");
      const total = { questions: Number(item.dataset.questions), exercises: Number(item.dataset.exercises) };
      const done = load(name(link.href));
      const q = Math.min(done.questions.size, total.questions);
      const e = Math.min(done.exercises.size, total.exercises);
      if (!q && !e) continue;
      const whole = finished(q, e, total);
      link.after(element("span", whole ? "avancee etat fait" : "avancee etat", label(whole ? "done" : "under-way")));
      if (!whole) item.append(element("p", "avancee chapitre-duree", sentence(q, e, total)));
    }
    for (const list of all(".parcours")) {
      const done = all(".fait", list).length;
      const words = label(one(done) ? "path-one" : "path-many");
      if (done) list.before(element("p", "avancee parcours-etat", fill(words, done, list.children.length)));
    }
  }

  chapter();
  lists();
  /* back from a chapter, to a page that the browser had kept as it was */
  addEventListener("pageshow", (event) => event.persisted && lists());
})();
