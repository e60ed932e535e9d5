/** A running gateway whose config gets users of the console by a reload, and loses them again. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { aGateway, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { aPerson, PASSWORD, usersFile } from "../../kit/sessions.ts";

let gateway: TestGateway;
afterEach(() => gateway.stop());

type Users = { readonly users: { readonly file: string } };
const config = (users?: Users) => ({
  ...twoTenants("http://127.0.0.1:1"),
  admin: { bind: "127.0.0.1:0", ...users },
});
const reloadWith = async (users?: Users): Promise<unknown> => {
  await writeFile(join(gateway.dir, "ocsgw.yaml"), stringify(config(users), { aliasDuplicateObjects: false }));
  return gateway.gateway.reload();
};
const ask = (path: string, how: RequestInit = {}): Promise<Response> => fetch(`${gateway.gateway.admin!}${path}`, how);
const statusOf = async (path: string, how?: RequestInit): Promise<number> => {
  const reply = await ask(path, how);
  await reply.text();
  return reply.status;
};
const logIn = (name: string): Promise<Response> =>
  ask("/api/session", {
    method: "POST",
    headers: { Origin: gateway.gateway.admin! },
    body: JSON.stringify({ name, password: PASSWORD }),
  });

it("lets users of a reloaded admin.users log in at once, and ends their sessions when it is removed", async () => {
  gateway = await aGateway(config(), ["alpha"], {
    "admins.yaml": usersFile(aPerson("alice")),
    "others.yaml": usersFile(aPerson("bob")),
  });
  expect([(await logIn("alice")).status, await statusOf("/metrics")]).toEqual([409, 200]);
  expect(await reloadWith({ users: { file: "admins.yaml" } })).toMatchObject({
    outcome: "reloaded",
    changes: [expect.stringMatching(/^admin\.users/)],
  });
  const done = await logIn("alice");
  expect([done.status, await statusOf("/metrics")]).toEqual([200, 401]);
  const asAlice = { headers: { Cookie: done.headers.getSetCookie()[0]!.split(";")[0]! } };
  expect(await statusOf("/api/session", asAlice)).toBe(200);

  expect(await reloadWith({ users: { file: "others.yaml" } })).toMatchObject({ outcome: "reloaded" });
  expect([await statusOf("/api/session", asAlice), (await logIn("alice")).status]).toEqual([401, 401]);
  const other = await logIn("bob");
  expect(other.status).toBe(200);
  const asBob = { headers: { Cookie: other.headers.getSetCookie()[0]!.split(";")[0]! } };

  expect(await reloadWith()).toMatchObject({ outcome: "reloaded" });
  expect([await statusOf("/api/session", asBob), (await logIn("bob")).status]).toEqual([401, 409]);
}, 60_000);
