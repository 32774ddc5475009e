"""One way of reading a letter a file. Each reader is a function of a reply and the option texts by letter.

A toolkit's reader gives what that toolkit gives, oddities included: also a letter that was not offered
(`lmms-eval-terse` reads "T" in "The answer"), which can only be wrong. A toolkit's empty result is `None`.
"""
