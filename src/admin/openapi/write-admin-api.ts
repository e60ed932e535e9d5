/** `node src/admin/openapi/write-admin-api.ts` writes src/docs/reference/admin-api.md from the rows of the routes. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Route } from "../route.ts";
import { SANDBOX_ROUTES } from "../api/sandbox.ts";
import { ROUTES } from "../routes.ts";
import { ROLES } from "../viewer.ts";

const HEAD = `# Admin API

Generated from the rows of the routes in \`src/admin/api/\` by \`node src/admin/openapi/write-admin-api.ts\`.

\`GET /openapi.json\` on the admin listener describes each route with its parameters, bodies and replies (OpenAPI 3.1).
It has no data, so every role may read it; without a credential it is not served.

- **Who asks.** \`Authorization: Bearer\` with the token in \`audit.dir/admin.token\`, which has every role and names
  nobody; or the cookie of a session, with the header \`Ocsgw-Csrf\` for POST and DELETE
  ([console access](../how-to/console-access.md)). What a browser sends for another site gets 403.
- **Roles.** A route serves people with one of its roles, and refuses everybody else with 403.
- **Peer.** Another node that shares the database may ask the routes with \`yes\`, for a user of its own who has one
  of the roles there, and for that user's tenants only. All others refuse it with 403. It proves who it is by
  \`shared.peers\`.
- **Scope.** A person may be limited to some tenants. \`by tenant\`: the reply has those tenants only.
  \`whole gateway\`: such a person gets 403.
- **Parameters.** An unknown or repeated parameter, an unknown member of a body, and text that is not UTF-8 get 400 with
  the name. Probes and metrics ignore parameters. Path parameters are letters, digits and \`-._~\`, never
  percent-encoded.
- **Errors** are \`{ "error": "…" }\`: 401 without a valid credential, 403, 404 for an unknown path, 405 with \`Allow\`,
  421 for a foreign \`Host\` (\`admin.names\`), 500 for an internal error. The routes' own are in \`/openapi.json\`.
- **Phone numbers and customer ids** are sent in bodies only, never in a URL. Replies have them as the journal does:
  masked, or as a token. Look-ups and streams are \`access\` entries in the journal, on disk before the reply.
- **Later versions** may add routes, members of replies, and events of streams: ignore what you do not know.

Nothing here can send to OCS.
`;

const TABLE = `
| route | ${ROLES.join(" | ")} | peer | scope | |
| --- | ${ROLES.map(() => "---").join(" | ")} | --- | --- | --- |
`;

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);

const lineOf = ({ method, path, summary, ...row }: Route<never>): string => {
  const isOpen = row.roles === "anyone";
  const may = (role: (typeof ROLES)[number]): boolean =>
    row.roles !== "anyone" && row.peers !== "only" && row.roles.includes(role);
  const roles = ROLES.map((role) => (isOpen ? "anyone" : may(role) ? "yes" : "no"));
  const scope = row.roles === "anyone" ? "–" : row.scope.replace("-", " ");
  const peer = row.roles === "anyone" ? "anyone" : row.peers ? "yes" : "no";
  return `| \`${method} ${path}\` | ${roles.join(" | ")} | ${peer} | ${scope} | ${cell(summary)} |\n`;
};

const SANDBOX = `
## Only in the sandbox

\`ocsgw sandbox\` has these routes too; elsewhere they get 404, and \`/openapi.json\` does not have them. They show the
embedded OCS and act on its control interface. Nothing is sent through the gateway or to another OCS.
`;

export const adminApiPage = (): string =>
  HEAD + TABLE + ROUTES.map(lineOf).join("") + SANDBOX + TABLE + SANDBOX_ROUTES.map(lineOf).join("");

export const ADMIN_API_PAGE = fileURLToPath(new URL("../../docs/reference/admin-api.md", import.meta.url));

if (import.meta.main) await writeFile(ADMIN_API_PAGE, adminApiPage());
