"""Sphinx's index stems each word once, as Sphinx itself would."""

from __future__ import annotations

from sphinx.search.fr import SearchFrench

from ssphub_book.sphinx.stems import French


def test_a_word_is_stemmed_once_whatever_the_pages_that_hold_it():
    language, asked = French({}), []
    stem = language.stemmer.stemWord
    language.stemmer.stemWord = lambda word: asked.append(word) or stem(word)
    words = ["imputations", "réponse", "Réponse", "imputations"]
    assert [language.stem(word) for word in words] == [SearchFrench({}).stem(word) for word in words]
    assert asked == ["imputations", "réponse", "réponse"]
