/** The pages as the admin listener serves them. */
import { describe, expect, it } from "vitest";
import type { Arrival } from "../../../src/common/message.ts";
import { readLibrary } from "../../../src/documentation/all-pages.ts";
import { Library } from "../../../src/documentation/library.ts";
import { pageOf } from "../../../src/documentation/page.ts";
import { createDocs } from "../../../src/documentation/site/serve.ts";

const docs = createDocs("9.9.9");
const SMALL = new Library([
  pageOf(
    "a.md",
    '# A <b>\n\nSee [b](x/b.md#part), OCSGW-2103, `OCSGW-2103` and [OCSGW-2103](x/b.md).\n\n<script>x</script> "q"',
  ),
  pageOf("x/b.md", "# B\n\n## Part"),
]);

const ask = async (target: string, method = "GET", serve = docs) => {
  const reply = await serve({ method, target } as Arrival, target.split("?")[0]!);
  return (
    reply && { ...reply, headers: new Map(reply.headers), text: new TextDecoder().decode(reply.body as Uint8Array) }
  );
};

describe("/docs", () => {
  it.each([
    ["/docs", 200, "<h1>Documentation</h1>"],
    ["/docs/how-to/policy", 200, '<h1 id="policy-grants-limits-and-trying-them-out">'],
    ["/docs/operations/README", 200, "<h1"],
    ["/docs/errors/OCSGW-2103", 200, "OCSGW-2103: the request names a tenant"],
    ["/docs/errors/configRejected", 200, "configRejected: a log event"],
    ["/docs/actions/phones.DoNotCall", 200, "DoNotCall on phones"],
    ["/docs/search?q=retention", 200, "<dt><a href="],
    ["/docs/search?q=nothinghasthisword", 200, "Nothing found."],
    ["/docs/how-to/polcy", 404, 'Did you mean <a href="/docs/how-to/policy">'],
    ["/docs/%E0%A4%A", 404, "There is no such page"],
  ])("%s", async (target, status, has) => {
    const reply = (await ask(target))!;
    expect([reply.status, reply.headers.get("Content-Type")]).toEqual([status, "text/html; charset=utf-8"]);
    expect(reply.text).toContain(has);
    expect(reply.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    expect(reply.text).toContain("9.9.9");
  });

  it.each([
    ["/docs/journal", "/docs/explanation/journal"],
    ["/docs/journal.md", "/docs/explanation/journal.md"],
    ["/docs/operations", "/docs/operations/README"],
    ["/docs/HOW-TO/policy", "/docs/how-to/policy"],
    ["/docs/2103", "/docs/errors/OCSGW-2103"],
    ["/docs/errors/ocsgw-2103", "/docs/errors/OCSGW-2103"],
    ["/docs/search?q=2103", "/docs/errors/OCSGW-2103"],
  ])("%s has moved to %s", async (target, to) => {
    const reply = (await ask(target))!;
    expect([reply.status, reply.headers.get("Location")]).toEqual([301, to]);
    expect((await ask(to))!.status).toBe(200);
  });

  it("gives each page as Markdown, and a list of all for programs", async () => {
    const raw = (await ask("/docs/how-to/policy.md"))!;
    expect(raw.headers.get("Content-Type")).toBe("text/markdown; charset=utf-8");
    expect(raw.text).toMatch(/^# Policy/);
    const list = (await ask("/docs/llms.txt"))!.text;
    const addresses = [...list.matchAll(/\]\((\/docs\/[^)]+\.md)\)/g)].map(([, address]) => address!);
    expect(addresses.length).toBe((await readLibrary()).pages.length);
    for (const address of addresses.slice(0, 60))
      expect([address, (await ask(address))!.status]).toEqual([address, 200]);
  });

  it("escapes what pages contain, and links codes once", async () => {
    const serve = createDocs("1", () => Promise.resolve(SMALL));
    const { text } = (await ask("/docs/a", "GET", serve))!;
    expect(text).toContain("&lt;script&gt;x&lt;/script&gt;");
    expect(text).not.toMatch(/<script|\son\w+=|javascript:/);
    expect(text).toContain('See <a href="/docs/x/b#part">b</a>, <a href="/docs/errors/OCSGW-2103">OCSGW-2103</a>, ');
    expect(text).toContain('<code><a href="/docs/errors/OCSGW-2103">OCSGW-2103</a></code>');
    expect(text).toContain('<a href="/docs/x/b">OCSGW-2103</a>');
    const search = (await ask("/docs/search?q=%22%3E%3Cb", "GET", serve))!.text;
    expect(search).toContain('value="&quot;&gt;&lt;b"');
  });

  it("loads its style from itself, and nothing from elsewhere", async () => {
    expect((await ask("/docs/style.css"))!.headers.get("Content-Type")).toBe("text/css; charset=utf-8");
    const { text } = (await ask("/docs/how-to/policy"))!;
    expect([...text.matchAll(/(?:src|href|action)="([^"]*)"/g)].filter(([, to]) => !/^(?:\/docs|#)/.test(to!))).toEqual(
      [],
    );
  });

  it("answers other methods with 405, and leaves other paths alone", async () => {
    expect([(await ask("/docs", "POST"))!.status, (await ask("/docs", "HEAD"))!.status]).toEqual([405, 200]);
    expect([await ask("/docsx"), await ask("/"), await ask("/api/docs")]).toEqual([undefined, undefined, undefined]);
  });

  it("says so while the pages cannot be read, and reads them once they can be", async () => {
    let fails = true;
    const serve = createDocs("1", () => (fails ? Promise.reject(new Error("gone")) : Promise.resolve(SMALL)));
    expect((await ask("/docs", "GET", serve))!.status).toBe(503);
    fails = false;
    expect((await ask("/docs", "GET", serve))!.status).toBe(200);
  });
});
