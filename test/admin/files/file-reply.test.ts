/** Files over a real listener: whole, in parts with curl, continued, and to clients that do not read. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileReply } from "../../../src/admin/files/file-reply.ts";
import { listen, type Listener } from "../../../src/edge/listener.ts";
import { describeWith } from "../../kit/machine.ts";

const SIZE = 3_000_000;
const ETAG = '"of-this-content"';
let dir: string;
let path: string;
let content: Buffer;
let listener: Listener;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-file-"));
  path = join(dir, "export.csv");
  content = randomBytes(SIZE);
  await writeFile(path, content);
  const limits = { max: 50, maxPerSource: 50 };
  listener = await listen(
    {
      name: "files",
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      names: [],
      allowFrom: undefined,
      maxBody: 100,
      limits,
    },
    ({ target, headers, gone }) =>
      fileReply(
        { path, size: SIZE, etag: ETAG, name: "export.csv" },
        { headers, gone: target === "/ended" ? AbortSignal.abort() : gone },
      ),
  );
});
afterAll(async () => {
  await listener.stop(100);
  await rm(dir, { recursive: true });
});

const get = (headers: Record<string, string> = {}): Promise<Response> => fetch(`${listener.url}/`, { headers });
const bytesOf = async (reply: Response): Promise<Buffer> => Buffer.from(await reply.arrayBuffer());

describe("a file", () => {
  it("is sent whole, with its length, for saving and not for showing", async () => {
    const reply = await get();
    expect([reply.status, Object.fromEntries(reply.headers)]).toMatchObject([
      200,
      {
        "content-length": String(SIZE),
        "content-type": "application/octet-stream",
        "content-disposition": 'attachment; filename="export.csv"',
        "accept-ranges": "bytes",
        etag: ETAG,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      },
    ]);
    expect((await bytesOf(reply)).equals(content)).toBe(true);
  });

  it("is no whole file to a client whose session ends meanwhile", async () => {
    const reply = await fetch(`${listener.url}/ended`);
    expect(reply.headers.get("content-length")).toBe(String(SIZE));
    await expect(reply.arrayBuffer()).rejects.toThrow("terminated");
  });

  it("is sent in parts", async () => {
    const reply = await get({ Range: "bytes=1000000-1999999" });
    expect([reply.status, reply.headers.get("content-range")]).toEqual([206, `bytes 1000000-1999999/${SIZE}`]);
    expect((await bytesOf(reply)).equals(content.subarray(1_000_000, 2_000_000))).toBe(true);
    const end = await get({ Range: "bytes=-7", "If-Range": ETAG });
    expect([end.status, (await bytesOf(end)).equals(content.subarray(-7))]).toEqual([206, true]);
  });

  it("is sent whole when the client has a part of another one", async () => {
    const reply = await get({ Range: "bytes=5-", "If-Range": '"of-another"' });
    expect([reply.status, (await bytesOf(reply)).length]).toEqual([200, SIZE]);
  });

  it("has no bytes after its end", async () => {
    const reply = await get({ Range: `bytes=${SIZE}-` });
    expect([reply.status, reply.headers.get("content-range"), await reply.json()]).toEqual([
      416,
      `bytes */${SIZE}`,
      { error: `the file has ${SIZE} bytes` },
    ]);
  });

  it("that became shorter ends the connection before the announced length", async () => {
    const reply = await get();
    void reply.body!.cancel();
    await truncate(path, 1000);
    await expect(get().then(bytesOf)).rejects.toThrow();
    await writeFile(path, content);
  });

  it("reaches a client that reads slowly, whole", async () => {
    const received: Buffer[] = [];
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(new URL(listener.url).port), "127.0.0.1");
      socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${socket.remotePort ?? new URL(listener.url).port}\r\n\r\n`);
      socket.on("data", (chunk: Buffer) => {
        received.push(chunk);
        socket.pause();
        setTimeout(() => socket.resume(), 15);
      });
      socket.on("end", resolve).on("error", reject);
    });
    const all = Buffer.concat(received);
    expect(all.subarray(all.indexOf("\r\n\r\n") + 4).equals(content)).toBe(true);
  });
});

describeWith(["curl"], "curl", (curl) => {
  it("continues a download that was interrupted", async () => {
    const out = join(dir, "part.csv");
    await writeFile(out, content.subarray(0, 1_234_567));
    await promisify(execFile)(curl!, ["-sS", "-C", "-", "-o", out, `${listener.url}/`]);
    expect((await readFile(out)).equals(content)).toBe(true);
  });
});
