"""A mail server that puts every message into a Maildir, as a town's own does."""

import asyncio
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

port, folder = sys.argv[1:]


async def main():
    handler = Mailbox(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="localhost"), "127.0.0.1", int(port)
    )
    await server.serve_forever()


asyncio.run(main())
