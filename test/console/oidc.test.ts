/** Logging in to the console through an OpenID provider, in a browser: with its form, its redirects and its cookies. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { anOpenIdProvider, CLIENT, type OpenIdProvider } from "../kit/openid-provider.ts";
import { aPerson, usersFile } from "../kit/sessions.ts";
import { aBrowser, inBrowser, violationsOn } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";

inBrowser("a user of an OpenID provider", () => {
  let site: Site;
  let idp: OpenIdProvider;
  beforeAll(async () => {
    idp = await anOpenIdProvider();
    const oidc = {
      issuer: idp.issuer,
      name: "Example SSO",
      client_id: CLIENT.id,
      client_secret: "${file:client-secret}",
      claims: { role: "roles" },
    };
    site = await aSite(() => ({ admin: { bind: "127.0.0.1:0", users: { file: "admins.yaml" }, oidc } }), {
      "admins.yaml": usersFile(aPerson("alice")),
      "client-secret": `${CLIENT.secret}\n`,
    });
    idp.serve(site.url);
    idp.users.set("maria", { preferred_username: "maria", roles: ["viewer", "operator"] });
    idp.users.set("nobody", { preferred_username: "nobody" });
  });
  afterAll(async () => {
    await site.stop();
    await idp.stop();
  });
  const tabs = aBrowser(() => site);

  const open = async (): Promise<Page> => {
    const page = await tabs.open({}, site.url, [idp.issuer]);
    // The provider's form wants a font from elsewhere.
    await page.route("https://fonts.googleapis.com/**", (route) => route.abort());
    return page;
  };
  const logIn = async (page: Page, user: string): Promise<void> => {
    await page.getByRole("button", { name: "Log in with Example SSO" }).click();
    await page.waitForURL(`${idp.issuer}/**`);
    await page.getByPlaceholder("Enter any login").fill(user);
    await page.getByPlaceholder("and password").fill("any");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.waitForURL(`${site.url}/**`);
  };
  const isIn = (page: Page): Promise<void> => page.getByRole("navigation", { name: "Pages" }).waitFor();
  const isOut = (page: Page): Promise<void> => page.getByRole("heading", { name: "Log in" }).waitFor();

  /** Browsers send those of the provider too, which is another port of this host. */
  const cookiesOf = async (page: Page) =>
    (await page.context().cookies(site.url))
      .filter(({ name }) => name.startsWith("ocsgw"))
      .map(({ name, httpOnly, sameSite }) => [name.replace(/-\d+$/, ""), httpOnly, sameSite])
      .toSorted(([one], [other]) => String(one).localeCompare(String(other)));

  it("logs in with the provider's form, stays on the page that they wanted, and logs out", async () => {
    const page = await open();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(`${site.url}/flows?filter=refused`);
      await isOut(page);
      await page.getByLabel("User name").waitFor();
      expect(await violationsOn(page)).toEqual([]);
    }
    await logIn(page, "maria");
    await isIn(page);
    expect(page.url()).toBe(`${site.url}/flows?filter=refused`);
    expect(await cookiesOf(page)).toEqual([
      ["ocsgw", true, "Strict"],
      ["ocsgw-login", true, "Lax"],
    ]);
    const seen = await page.evaluate(() =>
      JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]),
    );
    expect(seen).not.toContain("maria");
    await page.reload();
    await isIn(page);
    // The page of the callback is no step of the history.
    await page.goBack();
    await page.waitForURL((url) => url.pathname !== "/login/callback");
    await page.goto(`${site.url}/flows`);

    await page.getByRole("button", { name: "Logged in as maria (oidc)" }).click();
    await page.getByRole("menuitem", { name: "Log out", exact: true }).click();
    await page.waitForURL(`${idp.issuer}/**`);
    await page.getByRole("button", { name: "Yes, sign me out" }).click();
    await page.waitForURL(`${site.url}/**`);
    await isOut(page);
    const entries = (await site.gateway.journal()).filter((entry) => entry.kind === "access" && entry.source);
    expect(entries.map((entry) => entry.kind === "access" && `${entry.user} ${entry.operation} ${entry.role}`)).toEqual(
      ["maria (oidc) login-by-oidc viewer,operator", "maria (oidc) logout viewer,operator"],
    );
  });

  it("reads at the login page why their account does not open the console", async () => {
    const page = await open();
    await page.goto(site.url);
    await logIn(page, "nobody");
    await isOut(page);
    await page.getByRole("alert").getByText('the claim "roles" is missing').waitFor();
    expect(await cookiesOf(page)).toEqual([["ocsgw-login", true, "Lax"]]);
  });

  it("is logged out when a reload takes the provider away, and passwords stay", async () => {
    const page = await open();
    await page.goto(site.url);
    await logIn(page, "maria");
    await isIn(page);
    const metrics = async (): Promise<number> => (await fetch(`${site.url}/metrics`)).status;
    expect(await metrics()).toBe(401);
    const file = join(site.gateway.dir, "ocsgw.yaml");
    const config = parse(await readFile(file, "utf8")) as { admin: { oidc?: object } };
    delete config.admin.oidc;
    await writeFile(file, stringify(config));
    const headers = { Authorization: `Bearer ${site.token}` };
    const reply = await fetch(`${site.url}/api/reload`, { method: "POST", headers });
    expect([reply.status, await reply.text()]).toEqual([200, expect.stringContaining("admin.oidc")]);
    await page.reload();
    await isOut(page);
    await page.getByLabel("User name").waitFor();
    expect(await page.getByRole("button", { name: "Log in with Example SSO" }).count()).toBe(0);
  });
});
