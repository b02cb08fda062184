"""Formulae become MathML when the book is built; one that cannot be read is a warning."""

import pytest

pytest.importorskip("latex2mathml", reason="latex2mathml n'est pas installé")

from ssphub_book.sphinx.mathml import to_mathml


def test_inline_and_block():
    assert 'display="inline"' in to_mathml(r"\hat{y}")
    html = to_mathml(r"\frac{1}{n} \sum_{i=1}^{n} w_i < 1", block=True)
    assert 'display="block"' in html and "<mfrac>" in html
    assert r'alttext="\frac{1}{n} \sum_{i=1}^{n} w_i &lt; 1"' in html


@pytest.mark.parametrize("latex", [r"\inconnue{x}", r"\begin{cases} a", r"\left( x"])
def test_a_broken_formula_is_told(latex):
    with pytest.raises(ValueError):
        to_mathml(latex)
