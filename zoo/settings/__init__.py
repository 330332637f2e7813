"""Data from outside, read within limits and checked against a schema, with the place of every fault.

Every kind of document has a schema, plain data beside its reader, and a `DocumentKind` that words its faults. YAML and
JSON become the same nodes.
"""
