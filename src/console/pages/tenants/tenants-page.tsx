/** All tenants that the person may see, found by a part of the name or by DBID. */
import { useEffect, useState } from "preact/hooks";
import type { Tenants } from "../../../admin/api/now-schema.ts";
import { get } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { Empty, ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { TenantTable } from "../../parts/tenant-table.tsx";
import { address, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";
import "./tenants.css";

const EVERY_MS = 5000;
const PAGE = 100;
/** The gateway gives no longer pages. */
const MOST = 1000;
/** After the last key, so that a name that is being typed is not looked up letter by letter. */
const TYPING_MS = 200;

export const TenantsPage = () => {
  const { search = "", shown = String(PAGE) } = address.value.query;
  const limit = Math.min(MOST, Number(shown) || PAGE);
  const { value, error, again } = useLoaded(
    `${limit} ${search}`,
    (signal) => get<Tenants>("/api/tenants", { search, limit }, signal),
    { every: EVERY_MS },
  );
  return (
    <div class="tenants-page">
      <div class="toolbar tenants-bar">
        <Search search={search} />
        <span class="muted" role="status">
          {value && S.tenants.found(value.count)}
        </span>
      </div>
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value && search === "" && <RolloutSteps steps={value.rollout} />}
      {value ? <List value={value} search={search} limit={limit} /> : error === undefined && <Skeleton rows={10} />}
    </div>
  );
};

const Search = ({ search }: { readonly search: string }) => {
  const [text, setText] = useState(search);
  useEffect(() => {
    const timer = setTimeout(() => setQuery({ search: text, shown: undefined }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      type="search"
      aria-label={S.tenants.search}
      placeholder={S.tenants.search}
      value={text}
      onInput={({ currentTarget }) => setText(currentTarget.value)}
    />
  );
};

const RolloutSteps = ({ steps }: { readonly steps: Tenants["rollout"] }) => (
  <section class="rollout" aria-label={S.tenants.rollout}>
    <h2>{S.tenants.rollout}</h2>
    <ol>
      {steps.map(({ step, state, detail }) => (
        <li key={step} class={`rollout-${state}`}>
          <strong>{S.tenants.steps[step]}</strong>
          <span class="rollout-state">{S.tenants.stepStates[state]}</span>
          <span class="muted">{detail}</span>
        </li>
      ))}
    </ol>
  </section>
);

type ListProps = { readonly value: Tenants; readonly search: string; readonly limit: number };

const List = ({ value, search, limit }: ListProps) => {
  if (value.tenants.length === 0)
    return search === "" ? (
      <Empty title={S.now.noTenants}>
        <p>{S.now.noTenantsHelp}</p>
      </Empty>
    ) : (
      <Empty title={S.tenants.none}>
        <p>{S.tenants.noneHelp(search)}</p>
        <p>
          <a href="/tenants">{S.tenants.clear}</a>
        </p>
      </Empty>
    );
  return (
    <>
      <TenantTable tenants={value.tenants} caption={S.tenants.caption} full />
      {value.next !== null && limit < MOST && (
        <button type="button" class="more" onClick={() => setQuery({ shown: String(limit + PAGE) })}>
          {S.tenants.more}
        </button>
      )}
    </>
  );
};
