import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConsole, type ConsoleFiles } from "../../../src/admin/static/console-files.ts";
import { consolePage } from "../../../src/admin/static/console-page.ts";
import { headerOf, type HeaderLine, type Reply } from "../../../src/common/message.ts";
import { anArrival, text } from "../../kit/line.ts";

let dir: string;
let files: ConsoleFiles;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "ocsgw-console-"));
  await mkdir(join(dir, "assets"));
  const contents = { "index.html": "<!doctype html>index", "theme.js": "theme", "assets/main-Ab_9-xYz.js": "main" };
  for (const [name, content] of Object.entries(contents)) {
    await writeFile(join(dir, name), content);
    await writeFile(join(dir, `${name}.gz`), gzipSync(content));
    await writeFile(join(dir, `${name}.br`), brotliCompressSync(content));
  }
  await writeFile(join(dir, "secret.pem"), "not of the console");
  files = await readConsole(dir);
});
afterAll(() => rmSync(dir, { recursive: true }));

const HTML: HeaderLine = ["Accept", "text/html,application/xhtml+xml,*/*;q=0.8"];
const ask = (path: string, headers: readonly HeaderLine[] = [], method = "GET", of = files): Reply | undefined =>
  consolePage(of, anArrival({ method, target: path, headers }), path);
const header = (reply: Reply | undefined, name: string): string | undefined => reply && headerOf(reply.headers, name);

describe("the console's files", () => {
  it("are served with their type; a name with a hash is kept for a year, any other is checked each time", () => {
    const main = ask("/assets/main-Ab_9-xYz.js")!;
    expect([main.status, text(main), header(main, "Content-Type")]).toEqual([
      200,
      "main",
      "text/javascript; charset=utf-8",
    ]);
    expect(header(main, "Cache-Control")).toBe("public, max-age=31536000, immutable");
    expect(header(ask("/theme.js"), "Cache-Control")).toBe("no-cache");
  });

  it("are served compressed to clients that accept it", () => {
    const zipped = ask("/theme.js", [["Accept-Encoding", "gzip, deflate"]])!;
    expect([header(zipped, "Content-Encoding"), gunzipSync(zipped.body).toString()]).toEqual(["gzip", "theme"]);
    const brotli = ask("/theme.js", [["Accept-Encoding", "gzip, deflate, br"]])!;
    expect([header(brotli, "Content-Encoding"), brotliDecompressSync(brotli.body).toString()]).toEqual(["br", "theme"]);
    const plain = ask("/theme.js", [["Accept-Encoding", "br;q=0, gzip; q=0.0"]])!;
    expect([header(plain, "Content-Encoding"), text(plain), header(plain, "Vary")]).toEqual([
      undefined,
      "theme",
      "Accept-Encoding",
    ]);
  });

  it("are not sent again to a browser that has them", () => {
    const etag = header(ask("/theme.js"), "ETag")!;
    const again = ask("/theme.js", [["If-None-Match", `"other", W/${etag}`]])!;
    expect([again.status, again.body.length, header(again, "ETag")]).toEqual([304, 0, etag]);
    expect(ask("/theme.js", [["If-None-Match", '"other"']])!.status).toBe(200);
  });

  it.each(["/secret.pem", "/../secret.pem", "/theme.js.gz", "/assets", "/assets/gone-12345678.js", "/%2e%2e/theme.js"])(
    "do not include %s",
    (path) => expect(ask(path)).toBeUndefined(),
  );
});

describe("index.html", () => {
  it.each(["/", "/flows", "/flows/01KAPR3D7WQ0", "/tenants/Alpha%20Tenant", "/no-such-page", "/index"])(
    "answers a browser that opens %s",
    (path) => {
      const reply = ask(path, [HTML])!;
      expect([reply.status, text(reply), header(reply, "Cache-Control")]).toEqual([
        200,
        "<!doctype html>index",
        "no-store",
      ]);
    },
  );

  it.each([
    ["a program", "/flows", [["Accept", "*/*"]]],
    ["a client without Accept", "/flows", []],
    ["a page's missing script", "/assets/gone-12345678.js", [HTML]],
    ["an unknown path of the API", "/api/unknown", [HTML]],
    ["the API itself", "/api", [HTML]],
  ] as const)("does not answer %s", (_who, path, headers) => expect(ask(path, headers)).toBeUndefined());

  it("does not answer other methods", () => {
    expect(["POST", "PUT", "DELETE", "OPTIONS"].map((method) => ask("/", [HTML], method))).toEqual(
      Array(4).fill(undefined),
    );
    expect(ask("/", [HTML], "HEAD")!.status).toBe(200);
  });

  it("lets the page run and load only what this listener serves", () => {
    const reply = ask("/", [HTML]);
    const policy = header(reply, "Content-Security-Policy")!;
    expect(policy.split("; ")).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
      ]),
    );
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(
      ["X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"].map(
        (name) => header(reply, name),
      ),
    ).toEqual(["nosniff", "no-referrer", "same-origin", "same-origin"]);
    expect(header(reply, "Permissions-Policy")).toContain("camera=()");
  });

  it("is a page that says how to build the console where it was not built", async () => {
    const none = await readConsole(join(dir, "nowhere"));
    expect(none.size).toBe(0);
    const reply = ask("/", [HTML], "GET", none)!;
    expect([reply.status, header(reply, "Content-Type")]).toEqual([503, "text/html; charset=utf-8"]);
    expect(text(reply)).toContain("npm ci");
    expect(ask("/theme.js", [], "GET", none)).toBeUndefined();
  });
});
