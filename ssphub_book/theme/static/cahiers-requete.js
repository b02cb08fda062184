/* From what a reader types to pages, best first. Fetched with the index, at the first use of the search.

   A query becomes ideas: words that the book knows, once stop words are gone and typos mended, each
   with its synonyms. Pagefind scores every section for every form of an idea; a section's score adds
   its ideas up, and a page stands where its best sections put it. */

const RANKING = { pageLength: 0.3, metaWeights: { title: 4, page: 3, keywords: 3, part: 1, about: 1 } };
const HALF = 5; // Pagefind's score that counts for half of a sure answer
const SYNONYM = 0.7; // what a synonym weighs against the word itself
const PART = 0.4; // what a word weighs within a phrase that has synonyms
const IDEAS = 3; // each may cost a file of the index: a long question keeps its rarest words
const FORMS = 5;
const ENOUGH = 6; // sections that hold an idea: its synonyms are then not asked for
const READ = 8; // sections fetched to be shown
const SECTIONS = 3; // shown of one page
const NEAR = 0.3; // of the best score: below, a section is not an answer

export const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const singular = (word) => (word.length > 3 ? word.replace(/[sx]$/, "") : word);

/* The index names a section « page.html/section.html »: the page, then the section in it. */
function address(url) {
  const slash = url.lastIndexOf("/");
  const page = url.slice(0, slash);
  return [page, `${page}#${url.slice(slash + 1).replace(/\.html$/, "")}`];
}

/* Edits allowed in a word of this length. */
const tolerance = (word) => (word.length >= 8 ? 2 : word.length >= 5 ? 1 : 0);

/* Insertions, deletions, substitutions and swaps of neighbours from one word to the other. */
export function distance(from, to, limit) {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  let older = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      next[column] = Math.min(last[column] + 1, next[column - 1] + 1, last[column - 1] + (same ? 0 : 1));
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && swapped) next[column] = Math.min(next[column], older[column - 2] + 1);
    }
    if (Math.min(...next) > limit) return limit + 1;
    [older, last] = [last, next];
  }
  return last[to.length];
}

export class Language {
  constructor({ words, stop, synonyms, sections }) {
    this.sections = sections;
    this.words = words.flatMap((line) => line.split(" ")); // the most frequent first
    this.stop = new Set(stop);
    this.listed = new Set([...this.words, ...stop]);
    this.phrases = new Map(); // a form, its words in the singular, to the forms of its groups
    for (const group of synonyms) {
      for (const form of group) {
        const phrase = form.split(" ").map(singular).join(" ");
        this.phrases.set(phrase, [...(this.phrases.get(phrase) || []), ...group]);
      }
    }
    const spoken = new Set(synonyms.flat().flatMap((form) => form.split(" ")));
    this.spelling = [...this.words, ...[...spoken].filter((word) => !this.knows(word))];
  }

  /* The index sends no plural beside its singular. */
  knows(word) {
    return this.listed.has(word) || this.listed.has(singular(word));
  }

  /* The words of a query; a compound is one word where the book has it, several elsewhere. */
  tokens(query) {
    const compounds = fold(query).match(/[\p{L}\p{N}]+(?:-[\p{L}\p{N}]+)*/gu) || [];
    return compounds.flatMap((compound) => {
      const parts = compound.split("-");
      const whole = this.knows(compound) && !parts.every((part) => this.stop.has(part));
      return whole || !parts.some((part) => part.length > 1) ? [compound] : parts;
    });
  }

  /* What a word may stand for: itself or its singular, a word that it begins, near words. */
  readings(word, unfinished) {
    for (const exact of [word, word.replaceAll("oe", "œ")]) if (this.knows(exact)) return [exact];
    if (this.phrases.has(singular(word))) return [word];
    if (unfinished && word.length > 1 && this.words.some((other) => other.startsWith(word))) return [word];
    return this.near(word, tolerance(word)).slice(0, 3);
  }

  /* Words at the least distance within `limit` edits, most frequent first. */
  near(word, limit) {
    let found = [];
    for (const other of limit > 0 ? this.spelling : []) {
      if (other[0] !== word[0] && (other[0] !== word[1] || other[1] !== word[0])) continue;
      const edits = distance(word, other, limit);
      if (edits < limit) found = [];
      if (edits <= limit) found.push(other);
      limit = Math.min(limit, edits);
    }
    return found;
  }

  /* Words that a reader may have meant, for a query that finds nothing. */
  suggestions(query) {
    const wider = (word) => (word.length < 4 ? [] : this.near(word, tolerance(word) + 1).filter((other) => this.knows(other)));
    return [...new Set(this.tokens(query).flatMap((word) => wider(word).slice(0, 3)))].slice(0, 4);
  }

  /* The ideas of a query: { forms, others, weight }; the words that were mended, and those unknown. */
  understand(query) {
    const all = this.tokens(query);
    const said = all.filter((word) => !this.stop.has(word));
    const words = said.length ? said : all;
    const readings = words.map((word, place) => this.readings(word, place === words.length - 1));
    const ideas = words.map((word, place) => ({
      forms: readings[place].filter((reading) => this.knows(reading) || place === words.length - 1),
      others: [],
      weight: 1,
      unfinished: place === words.length - 1 && !this.knows(word) && readings[place][0] === word,
    }));
    this.addSynonyms(ideas, readings);
    const useful = this.rarest(ideas.filter((idea) => idea.forms.length || idea.others.length));
    const mended = words.flatMap((word, place) => readings[place].filter((reading) => singular(reading) !== singular(word)));
    const once = mended.filter((word, place) => mended.findIndex((other) => singular(other) === singular(word)) === place);
    return { ideas: useful, mended: once, unknown: words.filter((_, place) => !readings[place].length) };
  }

  /* At most IDEAS of them, in their order; the vocabulary begins with the most frequent words. */
  rarest(ideas) {
    const rank = (idea) => Math.max(...[...idea.forms, ...idea.others].map((form) => this.words.indexOf(singular(form))));
    const kept = new Set([...ideas].sort((a, b) => rank(b) - rank(a)).slice(0, IDEAS));
    return ideas.filter((idea) => kept.has(idea));
  }

  /* Longest phrases first. A phrase is an idea of its own; the words in it then say less. */
  addSynonyms(ideas, readings) {
    const count = readings.length;
    const taken = new Set();
    const longest = [...this.phrases].map(([phrase, group]) => [phrase.split(" "), group]).sort((a, b) => b[0].length - a[0].length);
    for (const [phrase, group] of longest) {
      for (let start = 0; start + phrase.length <= count; start++) {
        const places = phrase.map((_, step) => start + step);
        const here = places.every((place, step) => !taken.has(place) && readings[place].some((reading) => singular(reading) === phrase[step]));
        if (!here) continue;
        places.forEach((place) => taken.add(place));
        const others = [...new Set(group)].filter((form) => this.covers(form)).slice(0, FORMS);
        if (phrase.length === 1) ideas[start].others = others;
        else {
          places.forEach((place) => (ideas[place].weight = PART));
          ideas.push({ forms: [phrase.join(" ")], others, weight: 1 });
        }
      }
    }
  }

  covers(form) {
    return form.split(" ").every((word) => this.knows(word));
  }
}

export class Search {
  constructor(pagefind, language, entries) {
    this.pagefind = pagefind;
    this.language = language;
    this.entries = entries.map(([url, title, kind, words]) => ({ url, title, kind, text: ` ${fold(`${title} ${kind}`)} | ${words}` }));
  }

  static async open(base) {
    const table = (name) => fetch(new URL(name, base)).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(name))));
    const [pagefind, words, entries] = await Promise.all([import(new URL("pagefind.js", base)), table("words.json"), table("entries.json")]);
    await pagefind.options({ noWorker: true, excerptLength: 24, ranking: RANKING });
    await pagefind.init();
    return new Search(pagefind, new Language(words), entries);
  }

  /* The entries of the network's lists that hold every word, those whose title does first. */
  entriesOf(query) {
    const said = this.language.tokens(query).filter((word) => !this.language.stop.has(word));
    if (!said.length) return [];
    const readings = said.map((word) => [singular(word), ...this.language.readings(word, false).map(singular)]);
    const held = (text, forms) => forms.some((form) => new RegExp(`[^\\p{L}\\p{N}]${form}`, "u").test(text));
    const answers = this.entries.filter(({ text }) => readings.every((forms) => held(text, forms)));
    const inTitle = ({ text }) => readings.filter((forms) => held(text.split("|")[0], forms)).length;
    return answers.sort((a, b) => inTitle(b) - inTitle(a));
  }

  /* { pages, entries, mended, unknown, suggestions, more }: a page is { title, url, score, sections }; `more` says
     that others hold some of the words, farther from the query. */
  async find(query) {
    const read = { ...this.language.understand(query), entries: this.entriesOf(query) };
    const { ranked, matched } = await this.rank(read.ideas);
    if (!ranked.length) return { ...read, pages: [], more: false, suggestions: this.language.suggestions(query) };
    const shown = ranked.slice(0, READ);
    const sections = await Promise.all(shown.map(async (one) => ({ ...one, data: await one.result.data() })));
    return { ...read, pages: this.byPage(sections), more: matched > shown.length, suggestions: [] };
  }

  /* Sections near the best, best first: { score, parts, result }, `parts` being the score of each idea;
     and how many hold some of the words. */
  async rank(ideas) {
    const sections = new Map();
    await Promise.all(ideas.flatMap((idea) => idea.forms).map((form) => this.pagefind.preload(form)));
    for (const [place, idea] of ideas.entries()) {
      let found = 0;
      for (const form of [...idea.forms, ...idea.others]) {
        const own = idea.forms.includes(form);
        if (!own && found >= ENOUGH) break; // each synonym may cost a file of the index
        for (const { result, score } of await this.matches(form, idea.unfinished)) {
          const section = sections.get(result.id) || { parts: ideas.map(() => 0), score: 0, result };
          const part = score * (own ? 1 : SYNONYM) * idea.weight;
          if (part > Math.max(...section.parts)) section.result = result; // its excerpt marks the best form
          section.parts[place] = Math.max(section.parts[place], part);
          sections.set(result.id, section);
          found++;
        }
      }
    }
    for (const section of sections.values()) section.score = section.parts.reduce((sum, part) => sum + part, 0);
    const ranked = [...sections.values()].sort((a, b) => b.score - a.score);
    return { ranked: ranked.filter((section) => section.score >= NEAR * ranked[0].score), matched: ranked.length };
  }

  /* Sections that hold these words as they stand, or one that begins so if the word is unfinished: left
     to itself, Pagefind shortens a word until something fits. Rare forms weigh more. */
  async matches(form, unfinished) {
    const found = await this.pagefind.search(form);
    let results = found?.results || [];
    if (!unfinished && results.length) {
      const exact = await this.pagefind.search(`"${form}"`);
      const held = new Set(exact.results.map((result) => result.id));
      results = results.filter((result) => held.has(result.id));
    }
    const rarity = Math.log(1 + this.language.sections / results.length);
    return results.map((result) => ({ result, score: (rarity * result.score) / (result.score + HALF) }));
  }

  /* A page is worth its best section, and what its sections say together of every idea. */
  byPage(sections) {
    const pages = new Map();
    for (const { parts, score, data } of sections) {
      const [url, anchor] = address(data.url);
      const page = pages.get(url) || { url, title: data.meta.page ?? data.meta.about, best: score, parts: parts.map(() => 0), sections: [] };
      page.parts = page.parts.map((part, place) => Math.max(part, parts[place]));
      page.sections.push({ url: anchor, title: data.meta.title ?? data.meta.part, excerpt: data.excerpt });
      pages.set(url, page);
    }
    for (const page of pages.values()) {
      page.score = page.best + page.parts.reduce((sum, part) => sum + part, 0) + 0.1 * page.best * Math.min(page.sections.length, SECTIONS);
      page.sections = page.sections.slice(0, SECTIONS);
    }
    return [...pages.values()].sort((a, b) => b.score - a.score);
  }
}
