"""The SkyvernTask API: models, vocabulary, schema and the mapping to the REST Tasks API.

The extra ``client`` adds :mod:`skyvern_crds.client`, an async client of the Kubernetes API.
"""
