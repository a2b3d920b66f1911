"""`minifaces data`: data sets of pictures of any kind (photos.py, review.py) and of LDraw's heads (heads.py);
publishing them (publish.py)."""

from minifaces.cli import heads, photos, publish, review
from minifaces.cli.help import Commands

app = Commands(help="Make data sets, of your own pictures or of LDraw's heads.", no_args_is_help=True)
app.add_typer(photos.app)
app.add_typer(review.app)
app.add_typer(heads.app)
app.add_typer(publish.app)
