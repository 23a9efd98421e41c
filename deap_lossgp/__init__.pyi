from .comparison import train_with_losses as train_with_losses
from .search import evolve as evolve

__version__: str
