import { python as quoted } from "./quote.ts";
import { objectLiteral, type SnippetRequest } from "./request.ts";

const literals = { name: quoted, value: (value: string | number | bigint) => literal(value) };
const literal = (value: string | number | bigint): string =>
  typeof value === "string" ? quoted(value) : value.toString();

export const python = ({ action, target, attributes, body }: SnippetRequest): string => `\
import http.client
import json
import os
import ssl
from urllib.parse import urlsplit

# Keep this connection for all requests, and send them one after the other.
trust = ssl.create_default_context(cafile=os.environ["OCSGW_CA"])
url = urlsplit(os.environ["OCSGW_URL"])
gateway = http.client.HTTPSConnection(url.hostname, url.port, timeout=30, context=trust)

${body === "" ? "" : `body = ${objectLiteral(attributes, literals, "").replaceAll("\n  ", "\n    ")}\n`}\
gateway.request(
    ${quoted(action.method)},
    ${quoted(target)},
${action.method === "GET" ? "" : `    body=${body === "" ? '""' : "json.dumps(body)"},\n`}\
    headers={
        "X-Api-Key": os.environ["OCSGW_KEY"],
${action.method === "GET" ? "" : '        "Content-Type": "application/json",\n'}\
        "Accept": "application/problem+json",
    },
)
answer = gateway.getresponse()
text = answer.read().decode()
print(answer.status, answer.headers.get("Ocsgw-Code", ""), text)
if answer.status != 200:
    # safe: send it again. check-first: read the state first. Otherwise do not send the same request again.
    print("repeat:", answer.headers.get("Ocsgw-Repeat", "no"), answer.headers["Ocsgw-Request-Id"])
`;
