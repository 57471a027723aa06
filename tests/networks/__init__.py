"""SpikingJelly networks that tests import: one factory each, as users write them."""
