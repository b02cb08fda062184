"""The small package around Jupyter Book: read, check, execute, test and publish the chapters.

Data flows one way: no module imports one that imports it. What each is for, those that read first:

- reading: `chapters`, `kept` (what is made from a text is made once), `settings`, `history`, `network`
- checking: `contract`, and `checking`, its command; `formatting`
- starting a chapter: `scaffold`, from `template`, with `demonstration`, `listing` and `extraction`
- executing: `execution`, into `cache`, with `services`, `assertions`, `figures` and `containers`
- rendering: `sphinx`, `theme` and `cards`, in `processes` that have Sphinx loaded by `warm`
- readers' notebooks: `plain`, `learner`, `notebooks`, and `launch`, the link that starts one
- what follows the pages: `pages`, `search`, `feeds`, `crawlers`, `offline`, `archives`
- the whole: `publication`; `preview`; `ports`, where both are served; `environment`
- measuring: `cell_tests`, `mutants`, `state`, `scale`, `changes`
"""
