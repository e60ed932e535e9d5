/** The journal for people who may see single tenants only: their scope, their pages and their cursors. */
import { tokensIn } from "../../journal/access.ts";
import type { Cursors } from "../../journal/flows/cursor.ts";
import { partFor, partToJson, type Scope } from "../../journal/search/scope/part.ts";
import { cursorOf, readCursor, toJson, type TransactionJson } from "../../journal/search/to-json.ts";
import type { Vocabulary } from "../../journal/search/filter/vocabulary.ts";
import type { Transaction } from "../../journal/search/transaction.ts";
import { InvalidQuestion } from "../../journal/search/worker/search-worker.ts";
import type { Reply } from "../../common/message.ts";
import type { AuditParts } from "../audit-parts.ts";
import { json } from "../replies.ts";
import { tenantsOf } from "../scope.ts";
import type { Viewer } from "../viewer.ts";

/** `scope` is undefined for a viewer of all tenants. */
export type Sight = { readonly vocabulary: Vocabulary; readonly scope: Scope | undefined };

export const sightOf = ({ vocabulary }: Pick<AuditParts, "vocabulary">, viewer: Viewer): Sight => {
  const tenants = tenantsOf(viewer);
  const words = vocabulary(tenants);
  if (!tenants) return { vocabulary: words, scope: undefined };
  const namesOf = (field: keyof Scope["names"]): readonly string[] => (words.names[field] ?? []).filter(isText);
  return {
    vocabulary: words,
    scope: {
      tenants,
      names: { list: namesOf("list"), campaign: namesOf("campaign"), group: namesOf("group") },
    },
  };
};

const isText = (name: unknown): name is string => typeof name === "string";

export const flowsFor = ({ scope }: Pick<Sight, "scope">, transactions: readonly Transaction[]): TransactionJson[] =>
  transactions.flatMap((each) => {
    if (!scope) return [toJson(each)];
    const part = partFor(scope, each);
    return part ? [partToJson(part)] : [];
  });

/** Where the page behind each of these requests begins. */
export const cursorsFor = (sight: Sight, sealing: Sealing, transactions: readonly Transaction[]): string[] =>
  transactions.flatMap((each) =>
    flowsFor(sight, [each]).length === 0 ? [] : [nextFor(sight, sealing, each.at) ?? ""],
  );

type Sealing = { readonly cursors: Cursors };

/** The value of `next`: an index, or a sealed cursor, because an index counts the requests of all tenants. */
export const nextFor = ({ scope }: Pick<Sight, "scope">, sealing: Sealing, next: number | undefined): string | null =>
  scope && next !== undefined
    ? sealing.cursors.seal({ next, micros: 0 }, { of: "page", tenants: scope.tenants })
    : cursorOf(next);

/** The index that a `cursor` stands for. Throws InvalidQuestion. */
export const placeOf = ({ scope }: Pick<Sight, "scope">, sealing: Sealing, cursor: string | undefined) => {
  if (cursor === undefined) return undefined;
  const place = scope ? sealing.cursors.unseal(cursor, { of: "page", tenants: scope.tenants }) : readCursor(cursor);
  if (typeof place === "object") return place.next;
  if (typeof place === "number") return place;
  throw new InvalidQuestion("cursor: expected the value of next from an earlier page");
};

/** The reply to a filter that names a person, if the viewer may not look up people. Throws FilterError. */
export const lookUpRefusal = ({ name, roles }: Viewer, filter: string): Reply | undefined =>
  tokensIn(filter) === undefined || roles.includes("auditor")
    ? undefined
    : json(403, {
        error:
          `phone: and customer: look up a person, which needs the role auditor; ` +
          `${name} has ${roles.join(", ") || "no role"}`,
      });
