"""The user's own dataset: its folder read as training needs it, checked as a whole, and repaired.

    DIR/images/  annotations/  train.txt  val.txt  [test.txt]  labels.txt  [data.yaml]

Lists have `image mask` on every line, relative to DIR. Without lists `images/` and `masks/` or `annotations/` are
enough.

Import from the modules: `zoo.learn.dataset.dataset` reads, `zoo.learn.dataset.survey` checks, `zoo.learn.dataset.mend`
repairs. Each look at a picture is in a process of its own, which loads `zoo.learn.dataset.look` and little else.
"""
