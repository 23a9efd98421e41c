from .files import TARGETS as TARGETS
from .files import export_loss as export_loss
from .files import file_name as file_name
from .names import class_name as class_name
from .simplified import simplified as simplified
