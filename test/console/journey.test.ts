/** The whole journey through the console with keys alone, in front of the sandbox that everybody starts. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ocsgw, run, startSandbox, type RunningSandbox } from "../kit/command.ts";
import { aBrowser, inBrowser } from "./kit/browser.ts";

/** The subscriber number alone, with spaces and as a link would write it. */
const [NUMBER, TYPED] = ["4155550177", "+1 415 555 0177"];
const TRACES = [NUMBER, "5550177", TYPED, encodeURIComponent(TYPED), "415 555 0177", "415+555+0177"];

/** A person who has no mouse finds every control within so many steps. */
const MOST_TABS = 120;

const tabTo = async (page: Page, target: Locator): Promise<void> => {
  await target.waitFor();
  for (let step = 0; step < MOST_TABS; step++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${String(target)}`);
};

const press = async (page: Page, ...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};

inBrowser("the journey through the console", () => {
  let sandbox: RunningSandbox;
  let work: string;
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "ocsgw-journey-"));
    sandbox = await startSandbox(["--dial-rate", "0"]);
  });
  afterAll(async () => {
    await sandbox?.stop();
    await sandbox?.remove();
    await rm(work, { recursive: true, force: true });
  });
  const tabs = aBrowser(() => sandbox.ready.admin!);

  const send = async (client: string, phone: string): Promise<string> => {
    const key = sandbox.ready.tenants.flatMap(({ clients }) => clients).find((each) => each.client === client)!.key;
    const answer = await fetch(`${sandbox.ready.gateway!.http}/phones/${phone}?req=DoNotCall`, {
      method: "POST",
      headers: { Authorization: `Basic ${Buffer.from(`${client}:${key}`).toString("base64")}` },
    });
    await answer.text();
    return answer.headers.get("ocsgw-request-id")!;
  };
  const control = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${sandbox.ready.sandbox.url}/${path}`, { method: "POST", body: JSON.stringify(body) });
    await answer.text();
    expect([path, answer.status]).toEqual([path, expect.toSatisfy((status: number) => status < 300)]);
  };

  it(
    "leads from the one-time link to a bundle that verifies, and leaves no number behind",
    { timeout: 120_000 },
    async () => {
      const { admin, audit } = sandbox.ready;
      const page = await tabs.open();
      const seen: string[] = [];
      page.on("request", (asked) => void seen.push(asked.url()));
      page.on("framenavigated", (frame) => void seen.push(frame.url()));
      page.on("console", (line) => void seen.push(line.text()));
      const row = (id: string): Locator => page.locator(`tr[data-key="${id}"]`);
      const panel = (name: string): Locator => page.getByRole("region", { name });
      const look = async (): Promise<void> => void seen.push(page.url(), await page.title());

      // The link opens the page Now, once.
      await page.goto(admin!.console);
      await page.waitForURL(/\/(?:now)?$/);
      await page.getByRole("heading", { name: "Needs a look" }).waitFor();
      expect(page.url()).not.toContain(admin!.console.split("#")[1]);
      const again = await tabs.open();
      await again.goto(admin!.console);
      await again.getByRole("heading", { name: "Log in" }).waitFor();
      await again.context().close();
      await look();

      // A request arrives live, and is found by a filter.
      await press(page, "g", "f");
      await page.getByText("Live", { exact: true }).waitFor();
      const id = await send("alpha-crm", NUMBER);
      await row(id).waitFor();
      await press(page, "f");
      await page.keyboard.type("client:alpha-crm is:ok");
      await press(page, "Enter");
      await page.waitForURL(/filter=client%3Aalpha-crm/);
      await row(id).waitFor();
      const [other, next] = [await send("beta-crm", "4155550178"), await send("alpha-crm", "4155550179")];
      await row(next).waitFor();
      expect(await row(other).count()).toBe(0);
      await look();

      // It is opened.
      const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset["key"]);
      await press(page, "Escape");
      for (let step = 0; step < 5 && (await focused()) !== id; step++) await press(page, "j");
      expect(await focused()).toBe(id);
      await press(page, "Enter");
      await page.waitForURL(`${admin!.url}/flows/${id}`);
      await panel("What happened").getByText("OCS carried out the request.").waitFor();
      await panel("Timeline").getByRole("rowheader", { name: "OCS", exact: true }).waitFor();
      await press(page, "T");
      await panel("Timeline").getByRole("columnheader", { name: "Start" }).waitFor();
      await look();
      await control("faults", { kind: "lost-reply", action: "AddRecord", count: 1 });
      await control("switchover", {});

      // The person is looked up, for a purpose.
      await press(page, "g", "l");
      await tabTo(page, page.getByLabel("Phone number", { exact: true }));
      await page.keyboard.type(TYPED);
      await tabTo(page, page.getByLabel("Purpose"));
      await page.keyboard.type("complaint 2026-118");
      await press(page, "Enter");
      await page.getByText("1 request found").waitFor();
      await page.getByText("What the search covers").waitFor();
      await look();
      seen.push(await page.content());

      // The journal is verified.
      await tabTo(page, page.getByRole("link", { name: "Open in Flows" }));
      await press(page, "g", "i");
      await tabTo(page, page.getByLabel("Purpose, recorded in the journal"));
      await page.keyboard.type("yearly audit");
      await press(page, "Enter");
      await page.getByText(/^unchanged, #0 to #\d+$/).waitFor();
      await tabTo(page, page.getByRole("button", { name: "Verify now" }));
      await look();

      // A bundle is exported, and verified by others.
      await press(page, "g", "e");
      await tabTo(page, page.getByLabel("Filter; empty: everything"));
      await page.keyboard.type("client:alpha-crm");
      await tabTo(page, page.getByRole("combobox", { name: /^Format/ }));
      await page.keyboard.type("Bundle");
      await tabTo(page, page.getByLabel("Purpose, recorded in the journal"));
      await page.keyboard.type("complaint 2026-118");
      await press(page, "Enter");
      const made = page.getByRole("row", { name: /client:alpha-crm Bundle, for proof · complaint 2026-118/ });
      await made.getByText("done").waitFor();
      await tabTo(page, made.getByRole("link", { name: "Download" }));
      const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Enter")]);
      await look();
      const [zip, folder] = [join(work, "bundle.zip"), join(work, "bundle")];
      await download.saveAs(zip);
      const key = audit!.publicKey;
      const verified = await ocsgw("audit", "verify", zip, "--key", key, "--json");
      expect([verified.code, JSON.parse(verified.stdout)]).toMatchObject([0, { verdict: "ok" }]);
      await mkdir(folder);
      expect(await run("python3", ["-m", "zipfile", "-e", zip, folder])).toMatchObject({ code: 0 });
      const alone = await run(process.execPath, [join(folder, "verify.mjs"), "--key", key], { cwd: "/" });
      expect([alone.code, alone.stderr]).toEqual([0, ""]);

      // What was done to OCS is marked in the tenant's charts.
      await press(page, "g", "t");
      await tabTo(page, page.getByRole("link", { name: "Alpha Tenant" }));
      await press(page, "Enter");
      const markers = page.getByRole("list", { name: "Events of the last 60 minutes" });
      await markers.getByText(/injected fault .*lost-reply/).waitFor();
      await markers.getByText(/switchover of sandbox to /).waitFor();
      await page.locator(".chart-marker-fault").first().waitFor({ state: "attached" });
      await page.locator(".chart-marker-switchover").first().waitFor({ state: "attached" });
      await look();

      const kept = await page.evaluate(async () =>
        JSON.stringify([
          Object.entries(localStorage),
          Object.entries(sessionStorage),
          document.cookie,
          history.state,
          await indexedDB.databases(),
          await caches.keys(),
        ]),
      );
      seen.push(kept, sandbox.log());
      expect(seen.length).toBeGreaterThan(40);
      for (const trace of TRACES) expect(seen.filter((text) => text.includes(trace))).toEqual([]);
    },
  );
});
