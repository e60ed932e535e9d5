import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  createValidatorClient,
  fallbackReply,
  type ValidatorClient,
  type ValidatorOptions,
} from "../../src/callbacks/validator-client.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { bytesOf } from "../../src/common/message.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const listening = async (server: Server, scheme = "http"): Promise<string> => {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(resolve);
      }),
  );
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

type Seen = { readonly line: string; readonly headers: readonly string[]; readonly body: string };

const validator = async (
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<{ url: string; seen: Seen[] }> => {
  const seen: Seen[] = [];
  const url = await listening(
    createServer((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on("data", (chunk: Buffer) => chunks.push(chunk))
        .once("end", () => {
          seen.push({
            line: `${request.method} ${request.url}`,
            headers: request.rawHeaders,
            body: Buffer.concat(chunks).toString("utf8"),
          });
          answer(response, request);
        });
    }),
  );
  return { url, seen };
};

const relay = (over: Partial<ValidatorOptions> & { url: string }): ValidatorClient => {
  const made = createValidatorClient({ timeout: 2000, userAgent: "ocs-gateway/test", ...over });
  closing.push(() => made.close());
  return made;
};

const BODY = bytesOf('{"GSW_RECORD_HANDLE": 15,  "NAME":"gr\u00fc\u00df"}');

describe("an announcement on its way to the operator's validator", () => {
  it("arrives unchanged at the configured address, with the gateway's headers only", async () => {
    const { url, seen } = await validator((response) => response.end());
    await relay({ url: `${url}/validate/../pre%2edial?for=ocs` }).send(BODY, "application/json; charset=utf-8");
    expect(seen).toHaveLength(1);
    expect(seen[0]!.line).toBe("POST /pre%2edial?for=ocs");
    expect(seen[0]!.body).toBe(Buffer.from(BODY).toString("utf8"));
    const names = seen[0]!.headers
      .filter((_, at) => at % 2 === 0)
      .map((name) => name.toLowerCase())
      .sort();
    expect(names).toEqual(["connection", "content-length", "content-type", "host", "user-agent"]);
    expect(seen[0]!.headers).toContain("ocs-gateway/test");
  });

  it.each<[string, number, Record<string, string>, string]>([
    ["200 with changed fields", 200, { "Content-Type": "application/json", ETag: "15" }, '{"GSW_PHONE":"4155550199"}'],
    [
      "409 with a call result",
      409,
      { "Content-Type": "application/json", "X-Reason": "list of the state" },
      '{"GSW_CALL_RESULT":53}',
    ],
    ["a status of its own", 503, { "Retry-After": "7" }, "later"],
    ["an empty body", 200, {}, ""],
  ])("gets the validator's answer unchanged: %s", async (_what, status, headers, body) => {
    const { url } = await validator((response) =>
      response.writeHead(status, { ...headers, "X-Hop": "secret", Connection: "keep-alive, X-Hop" }).end(body),
    );
    const relayed = await relay({ url }).send(BODY, undefined);
    if (!("reply" in relayed)) throw new Error(relayed.detail);
    expect([relayed.reply.status, Buffer.from(relayed.reply.body).toString("utf8")]).toEqual([status, body]);
    for (const line of Object.entries(headers)) expect(relayed.reply.headers).toContainEqual(line);
    expect(relayed.reply.headers.map(([name]) => name.toLowerCase())).not.toEqual(expect.arrayContaining(["x-hop"]));
    expect(relayed.reply.headers.map(([name]) => name.toLowerCase())).not.toEqual(
      expect.arrayContaining(["transfer-encoding"]),
    );
  });

  it("reuses its connection", async () => {
    const ports = new Set<number | undefined>();
    const { url } = await validator((response, request) => {
      ports.add(request.socket.remotePort);
      response.end("{}");
    });
    const to = relay({ url });
    for (let round = 0; round < 5; round++) await to.send(BODY, undefined);
    expect(ports.size).toBe(1);
  });

  it("times out when the validator hangs, and delays no other", async () => {
    let gone = 0;
    const { url } = await validator((response, request) => {
      request.socket.once("close", () => gone++);
      if (request.headers["content-length"] === "2") response.end("{}");
    });
    const to = relay({ url, timeout: 150 });
    const hung = Array.from({ length: 5 }, () => to.send(BODY, undefined));
    expect(await to.send(bytesOf("{}"), undefined)).toMatchObject({ reply: { status: 200 } });
    expect(await Promise.all(hung)).toEqual(
      Array.from({ length: 5 }, () => ({ failed: "timeout", detail: "no answer within 150 ms" })),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(gone).toBe(5);
  });

  it("times out when the answer never ends", async () => {
    const { url } = await validator((response) => response.writeHead(200, { "Content-Length": "100" }).write("{"));
    expect(await relay({ url, timeout: 150 }).send(BODY, undefined)).toMatchObject({ failed: "timeout" });
  });

  it.each<[string, string, string]>([
    ["nothing listens", "", "unreachable"],
    ["it hangs up", "close", "unreachable"],
    ["it is no HTTP", "220 smtp ready\r\n", "unreachable"],
    ["the answer is cut", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "cut"],
  ])("fails when %s", async (_what, bytes, failed) => {
    const url =
      bytes === ""
        ? "http://127.0.0.1:1"
        : await listening(
            createTcp((socket) => void socket.once("data", () => socket.end(bytes === "close" ? "" : bytes))),
          );
    expect(await relay({ url }).send(BODY, undefined)).toMatchObject({ failed });
  });

  it("fails when the answer is too large", async () => {
    const { url } = await validator((response) => response.end(Buffer.alloc((1 << 20) + 1)));
    expect(await relay({ url }).send(BODY, undefined)).toMatchObject({ failed: "cut" });
  });

  it("is sent over TLS only to a validator with a certificate from the configured CA", async () => {
    const authority = createAuthority("validator");
    const { certPem, keyPem } = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
    let asked = 0;
    const url = await listening(
      createHttps({ cert: certPem, key: keyPem }, (_request, response) => void response.end(String(++asked))),
      "https",
    );
    expect(await relay({ url, ca: authority.certPem }).send(BODY, undefined)).toMatchObject({ reply: { status: 200 } });
    expect(await relay({ url, ca: createAuthority("another").certPem }).send(BODY, undefined)).toMatchObject({
      failed: "unreachable",
    });
    expect(asked).toBe(1);
  });

  it("is not affected by environment variables of the library", () => {
    expect(process.env["FORCE_FETCH_PATH"]).toBeUndefined();
  });
});

describe("the reply to OCS without the validator's answer", () => {
  it("is the configured one", () => {
    expect(fallbackReply("allow", "timeout", 15)).toMatchObject({ status: 200, headers: [["ETag", "15"]] });
    expect(fallbackReply("block", "timeout", 15)).toMatchObject({ status: 504, headers: [] });
    expect(fallbackReply("block", "unreachable", 15)).toMatchObject({ status: 502, headers: [] });
  });
});
