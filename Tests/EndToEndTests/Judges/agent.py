"""An agent's program that is not ours: the MCP package of PyPI starts `httpsms mcp` and calls its tools.

Usage: agent.py COMMAND CALLS, where CALLS is a JSON list of [tool, arguments]. Prints one JSON object: what the handshake gave, the
tools, and a result for each call, as the package understood them.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters, stdio_client


async def main(command: str, calls: list) -> None:
    server = StdioServerParameters(command=command, args=["mcp"], env=dict(os.environ))
    async with stdio_client(server) as (reader, writer), ClientSession(reader, writer) as session:
        hello = (await session.initialize()).model_dump(mode="json", by_alias=True)
        await session.send_ping()
        tools = (await session.list_tools()).model_dump(mode="json", by_alias=True)["tools"]
        results = []
        for name, arguments in calls:
            result = (await session.call_tool(name, arguments)).model_dump(mode="json", by_alias=True)
            results.append(result)
        print(json.dumps({"hello": hello, "tools": tools, "results": results}))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
