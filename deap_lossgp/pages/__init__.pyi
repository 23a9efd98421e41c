from .formulas import typeset as typeset
from .html_page import to_html as to_html
from .markdown import to_markdown as to_markdown
from .sections import Code as Code
from .sections import Figure as Figure
from .sections import Formula as Formula
from .sections import Section as Section
from .serving import page_server as page_server
