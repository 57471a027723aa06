"""Networks of torch for importers: what their layers and functions are in the graph, whatever their neurons are.

Importers of SpikingJelly, snnTorch, norse and sinabs share it; a plugin of another framework on torch may, too.
"""
