/** The frame around every page, in a browser. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aPerson, PASSWORD, usersFile } from "../kit/sessions.ts";
import { aBrowser, inBrowser, logIn, violationsOn } from "./kit/browser.ts";
import { aRelay } from "./kit/relay.ts";
import { aSite, type Site } from "./kit/site.ts";

inBrowser("the console's frame", () => {
  let site: Site;
  beforeAll(async () => {
    site = await aSite(() => ({ admin: { bind: "127.0.0.1:0", names: ["127.0.0.1:*"] } }));
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  describe("the login", () => {
    it.each(["light", "dark"] as const)("has no accessibility fault, %s", async (colorScheme) => {
      const page = await tabs.open({ colorScheme });
      await page.goto(site.url);
      await page.getByRole("heading", { name: "Log in" }).waitFor();
      expect(await violationsOn(page)).toEqual([]);
    });

    it("says that a token is wrong, and stores none anywhere", async () => {
      const page = await tabs.open();
      await page.goto(site.url);
      await page.getByLabel("Admin token").fill("guessed");
      await page.getByLabel("Admin token").press("Enter");
      await page.getByText("The gateway does not accept this token").waitFor();
      await page.getByLabel("Admin token").fill(site.token);
      await page.getByLabel("Admin token").press("Enter");
      await page.getByRole("navigation", { name: "Pages" }).waitFor();
      const kept = await page.evaluate(() =>
        JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie]),
      );
      expect(kept).not.toContain(site.token);
      await page.reload();
      await page.getByRole("heading", { name: "Log in" }).waitFor();
    });
  });

  it.each(["light", "dark"] as const)("has no accessibility fault, %s", async (colorScheme) => {
    const page = await tabs.open({ colorScheme });
    await logIn(page, site);
    await page.getByText("OCS primary").waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys of this page" }).waitFor();
    expect(await violationsOn(page)).toEqual([]);
  });

  it("shows mode, OCS and journal", async () => {
    const page = await tabs.open();
    await logIn(page, site);
    await page.getByText("Enforce, 2 tenants").waitFor();
    await page.getByText("OCS primary").waitFor();
    await page.getByText(/^Audit (?:verified: |not checked since the start)/).waitFor();
  });

  it("goes to pages by key and by name, and offers the look-up for a number", async () => {
    const page = await tabs.open();
    await logIn(page, site, "/nowhere");
    await page.getByText("There is no such page").first().waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("f");
    await page.waitForURL(`${site.url}/flows`);
    await page.keyboard.press("/");
    await page.keyboard.type("01KAPR3D7WQ0");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${site.url}/flows/01KAPR3D7WQ0`);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("OCSGW-2103");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.searchParams.get("filter") === "code:OCSGW-2103");
  });

  it("has no page Sandbox, which only the sandbox has", async () => {
    const page = await tabs.open();
    await logIn(page, site, "/sandbox");
    await page.getByText("There is no such page").first().waitFor();
    expect(await page.getByRole("link", { name: "Sandbox" }).count()).toBe(0);
  });

  it("keeps theme and keys of this browser, and shows the theme from the first paint on", async () => {
    const page = await tabs.open({ colorScheme: "light" });
    await logIn(page, site);
    await page.keyboard.press("d");
    await page.keyboard.press("d");
    expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
    await page.getByRole("button", { name: /^Logged in as/ }).click();
    await page.getByRole("menuitem", { name: "Settings" }).click();
    await page.getByText("Keys", { exact: true }).click();
    await page.getByRole("button", { name: "Key: Light, dark, automatic" }).click();
    await page.keyboard.press("q");
    await page.keyboard.press("Escape");
    await page.addInitScript(() =>
      document.addEventListener("readystatechange", () => {
        const { dataset } = document.documentElement;
        Object.assign(globalThis, { first: (globalThis as { first?: unknown }).first ?? { theme: dataset["theme"] } });
      }),
    );
    await logIn(page, site);
    expect(await page.evaluate(() => (globalThis as { first?: unknown }).first)).toEqual({ theme: "dark" });
    await page.keyboard.press("d");
    expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
    await page.keyboard.press("q");
    expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBeUndefined();
  });

  it("switches single keys off", async () => {
    const page = await tabs.open();
    await logIn(page, site);
    await page.keyboard.press("?");
    await page.getByRole("button", { name: "Change keys …" }).click();
    await page.getByLabel("Single keys do something").uncheck();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("?");
    expect(await page.getByRole("dialog").count()).toBe(0);
    await page.keyboard.press("Control+k");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("combobox");
  });

  it("says when the gateway does not answer, and that it does again", async () => {
    const relay = await aRelay(Number(new URL(site.url).port));
    const page = await tabs.open({}, relay.url);
    await logIn(page, { url: relay.url, token: site.token });
    await page.getByText("OCS primary").waitFor();
    relay.cut();
    const strip = page.getByText(/^No data from the gateway for \d+ s\./);
    await strip.waitFor();
    relay.thaw();
    await strip.waitFor({ state: "detached" });
    await page.context().close();
    await relay.close();
  });

  it.each([400, 640, 2560])("fits into %i px without scrolling sideways", async (width) => {
    const page = await tabs.open({ viewport: { width, height: 800 } });
    await logIn(page, site);
    await page.getByText("OCS primary").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  });

  it("is readable on paper", async () => {
    const page = await tabs.open({ colorScheme: "dark" });
    await logIn(page, site);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(
      "rgb(255, 255, 255)",
    );
    expect(await page.getByRole("navigation").count()).toBe(0);
  });
});

inBrowser("people", () => {
  let site: Site;
  beforeAll(async () => {
    site = await aSite(
      () => ({
        admin: { bind: "127.0.0.1:0", users: { file: "admins.yaml" }, session: { idle: "1m", longest: "2m" } },
      }),
      { "admins.yaml": usersFile(aPerson("ada", { roles: ["auditor"] })) },
    );
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  const enter = async (page: Page, name: string, password = PASSWORD): Promise<void> => {
    await page.getByLabel("User name").fill(name);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
  };

  it("see a login without an accessibility fault", async () => {
    const page = await tabs.open({ colorScheme: "dark" });
    await page.goto(site.url);
    await page.getByLabel("User name").waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await page.getByRole("button", { name: "Log in with the admin token" }).click();
    await page.getByLabel("Admin token").waitFor();
  });

  it("find their page again after their session ended", async () => {
    const page = await tabs.open();
    await page.goto(`${site.url}/flows?filter=is%3Aok`);
    await enter(page, "ada");
    await page.getByRole("combobox", { name: "Filter", exact: true }).waitFor();
    await page.context().clearCookies();
    await page.getByText("Your session has ended.").waitFor();
    expect(page.url()).toBe(`${site.url}/flows?filter=is%3Aok`);
    await enter(page, "ada");
    await page.getByRole("combobox", { name: "Filter", exact: true }).waitFor();
  });
});
