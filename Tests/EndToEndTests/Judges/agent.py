"""An agent's program that is not ours: the MCP package of PyPI calls the tools of `httpsms mcp`, or those of a server over HTTP.

Usage: agent.py WHERE CALLS, where WHERE is the command, or the URL of a server, whose key is in HTTPSMS_API_KEY, and CALLS is a JSON
list of [tool, arguments]. Prints one JSON object: what the handshake gave, the tools, and a result for each call, as the package
understood them.
"""

import asyncio
import contextlib
import json
import os
import sys

import httpx2
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client


@contextlib.asynccontextmanager
async def streams(where: str):
    if not where.startswith("http"):
        async with stdio_client(StdioServerParameters(command=where, args=["mcp"], env=dict(os.environ))) as both:
            yield both
        return
    headers = {"Authorization": f"Bearer {os.environ['HTTPSMS_API_KEY']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as client:
        async with streamable_http_client(where + "/mcp", http_client=client) as both:
            yield both


async def main(where: str, calls: list) -> None:
    async with streams(where) as (reader, writer), ClientSession(reader, writer) as session:
        hello = (await session.initialize()).model_dump(mode="json", by_alias=True)
        await session.send_ping()
        tools = (await session.list_tools()).model_dump(mode="json", by_alias=True)["tools"]
        results = []
        for name, arguments in calls:
            result = (await session.call_tool(name, arguments)).model_dump(mode="json", by_alias=True)
            results.append(result)
        print(json.dumps({"hello": hello, "tools": tools, "results": results}))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
