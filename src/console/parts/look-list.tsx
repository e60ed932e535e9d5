/** What needs a look, each with the place that shows more. */
import { useState } from "preact/hooks";
import type { Look } from "../../admin/api/now-schema.ts";
import { hrefOf } from "../router.ts";
import { hasRole } from "../session.ts";
import { S } from "../strings.ts";
import { CodeLink } from "./code-link.tsx";
import { Time } from "./time.tsx";

type Props = {
  readonly look: readonly Look[];
  /** Shows the others when a button is pressed. */
  readonly most?: number;
};

export const LookList = ({ look, most = Infinity }: Props) => {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? look : look.slice(0, most);
  return (
    <>
      <Rows look={shown} />
      {look.length > shown.length && (
        <button type="button" class="link" onClick={() => setWhole(true)}>
          {S.now.moreLooks(look.length - shown.length)}
        </button>
      )}
    </>
  );
};

const Rows = ({ look }: Pick<Props, "look">) => (
  <ul class="look-list">
    {look.map((row) => (
      <li key={keyOf(row)} class={`look look-${URGENT.has(row.kind) ? "urgent" : "usual"}`}>
        <LookGlyph isUrgent={URGENT.has(row.kind)} />
        <div class="look-text">
          <p class="look-title">{titleOf(row)}</p>
          <Details row={row} />
        </div>
        <LookLink row={row} />
      </li>
    ))}
  </ul>
);

const URGENT: ReadonlySet<Look["kind"]> = new Set(["no-answer", "ocs-down", "open-dnc"] as const);

const keyOf = ({ kind, code, tenant, client, upstream, text }: Look): string =>
  [kind, code, tenant?.dbid, client, upstream, text].join(" ");

const titleOf = ({ kind, count, upstream }: Look): string => {
  switch (kind) {
    case "no-answer":
    case "open-dnc":
    case "refusals":
      return S.now.looks[kind](count ?? 0);
    case "ocs-down":
    case "standby":
      return S.now.looks[kind](upstream ?? "");
    default:
      return S.now.looks[kind];
  }
};

const Details = ({ row }: { readonly row: Look }) => {
  const { kind, code, title, tenant, client, text, since, until } = row;
  const isByClient = kind === "refusals" || kind === "no-answer";
  return (
    <>
      {code !== null && (
        <p>
          <CodeLink code={code} /> {title ?? ""}
        </p>
      )}
      {text !== null && <p class="look-words">{text}</p>}
      <p class="muted">
        {[
          ...(tenant ? [S.now.tenantOf(tenant.name)] : []),
          ...(client !== null ? [S.now.clientOf(client)] : isByClient ? [S.now.noCredential] : []),
        ].join(", ")}
        {since !== null && (
          <>
            {" "}
            {S.now.since} <Time at={since} decimals={0} />
          </>
        )}
        {until !== null && (
          <>
            {" "}
            {S.now.until} <Time at={until} long />
          </>
        )}
      </p>
    </>
  );
};

const LookLink = ({ row: { kind, filter } }: { readonly row: Look }) => {
  if (filter !== null) return <a href={hrefOf("/flows", { filter })}>{S.now.showFlows}</a>;
  const isUpstream = kind === "ocs-down" || kind === "standby" || kind === "certificate";
  return isUpstream && hasRole(["operator"]) ? <a href="/upstreams">{S.now.showUpstreams}</a> : null;
};

const LookGlyph = ({ isUrgent }: { readonly isUrgent: boolean }) => (
  <svg class="glyph" viewBox="0 0 12 12" width="13" height="13" aria-hidden="true">
    {isUrgent ? (
      <path d="M3.6 0h4.8L12 3.6v4.8L8.4 12H3.6L0 8.4V3.6Z" fill="currentColor" />
    ) : (
      <path d="M6 1.2 11.4 10.8H.6Z" fill="none" stroke="currentColor" stroke-width="1.5" />
    )}
  </svg>
);
