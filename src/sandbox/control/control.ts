/**
 * The control API of the sandbox, for tests and users on this machine: JSON and an event stream under
 * `http://127.0.0.1:<port>/sandbox/…`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { COMMANDS } from "./commands.ts";
import type { Command, ControlParts } from "./command.ts";
import { ControlError } from "./error.ts";
import { streamEvents } from "./event-stream.ts";
import { listenOn } from "../server/listeners.ts";

export type Control = { /** Ends in /sandbox. */ readonly url: string; readonly close: () => Promise<void> };

const HOST = "127.0.0.1";
const MAX_BODY = 65_536;

export const startControl = async (parts: ControlParts, port: number): Promise<Control> => {
  const server = createServer((request, response) => void respond(parts, request, response));
  const listening = await listenOn(server, HOST, port);
  return {
    url: `http://${HOST}:${listening}/sandbox`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
};

const respond = async (parts: ControlParts, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  try {
    refuseBrowsers(request);
    if (request.method === "GET" && /^\/sandbox\/events(\?|$)/.test(request.url ?? ""))
      return streamEvents(parts.world, parts.dialer.log, request, response);
    const { command, id } = findCommand(request);
    send(response, 200, await command(parts, await readJson(request), id));
  } catch (error) {
    if (error instanceof ControlError) send(response, error.status, { error: error.message });
    else
      send(response, 500, {
        error: "internal error of the sandbox",
        detail: error instanceof Error ? error.message : "unknown",
      });
  }
};

/** Refuses requests from web pages, which have an Origin header or, after DNS rebinding, a foreign Host. */
const refuseBrowsers = ({ headers }: IncomingMessage): void => {
  const host = /^(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?$/.test(headers.host ?? "");
  if (!host || headers.origin !== undefined)
    throw new ControlError(
      403,
      "the control API serves programs on this machine, not web pages: send no Origin, and Host 127.0.0.1 or localhost",
    );
};

/** The command for the method and path; an unknown last segment is read as an id. */
const findCommand = ({ method, url }: IncomingMessage): { readonly command: Command; readonly id: string } => {
  const path = url?.startsWith("/sandbox/") === true ? url.split("?")[0]!.slice("/sandbox/".length) : "";
  const [, above, id = ""] = /^(.+)\/([^/]+)$/.exec(path) ?? [];
  const command = COMMANDS.get(`${method} ${path}`) ?? COMMANDS.get(`${method} ${above}/<id>`);
  if (command) return { command, id };
  throw new ControlError(
    404,
    "unknown command; known: " +
      `${["GET events", ...COMMANDS.keys()].map((name) => name.replace(" ", " /sandbox/")).join(", ")}`,
  );
};

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new ControlError(400, `the body is too long; the limit is ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  if (length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new ControlError(400, "the body is not valid JSON");
  }
};

const send = (response: ServerResponse, status: number, value: unknown): void => {
  const body = `${JSON.stringify(value, null, 2)}\n`;
  response
    .writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    })
    .end(body);
};
