/** Campaign groups: a state diagram of each, and the same in words. */
import type { SandboxGroup, SandboxState } from "../../../admin/schemas/sandbox.ts";
import { S } from "../../strings.ts";
import { GroupDiagram } from "./group-diagram.tsx";

const T = S.sandbox;

export const GroupsPart = ({ groups }: Pick<SandboxState, "groups">) => (
  <section id="groups" class="evidence-part" aria-labelledby="groups-title">
    <h2 id="groups-title">{T.groups}</h2>
    <p class="muted">{T.groupsHelp}</p>
    <div class="group-grid">
      {groups.map((group) => (
        <Group key={group.dbid} group={group} />
      ))}
    </div>
  </section>
);

const Group = ({ group }: { readonly group: SandboxGroup }) => {
  const { dbid, name, tenant, state, dial_mode, open_handles, requests, automatic } = group;
  const refused = requests.filter(({ to }) => to === null);
  return (
    <article class="group" aria-labelledby={`group-${dbid}`}>
      <h3 id={`group-${dbid}`}>{name}</h3>
      <p class="muted">{T.groupOf(dbid, tenant)}</p>
      <GroupDiagram group={group} />
      <p>
        {T.isNow} <strong>{T.groupStates[state]}</strong>
        {[...(dial_mode === null ? [] : [T.dialMode(dial_mode)]), T.handles(open_handles)].map((each) => `, ${each}`)}
      </p>
      <h4>{T.allowed}</h4>
      <ul class="transitions">
        {requests.map(
          ({ request, to }) =>
            to !== null && (
              <li key={request}>
                <code>{request}</code> {to === state ? T.stays : T.leads(T.groupStates[to])}
              </li>
            ),
        )}
        {automatic && (
          <li>
            {T.triggers[automatic.when]}: {T.leads(T.groupStates[automatic.to])}
          </li>
        )}
      </ul>
      {refused.length > 0 && (
        <details>
          <summary>{T.refused}</summary>
          <ul class="transitions">
            {refused.map(({ request, status, warning }) => (
              <li key={request}>
                <code>{request}</code> {T.refusedAs(status, warning)}
              </li>
            ))}
          </ul>
        </details>
      )}
    </article>
  );
};
