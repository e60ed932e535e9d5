/** Which instance of the embedded OCS is primary, and a switchover. */
import { useState } from "preact/hooks";
import type { SandboxState } from "../../../admin/schemas/sandbox.ts";
import { post } from "../../api.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Verdict } from "../../parts/data/verdict.tsx";
import { ErrorStrip } from "../../parts/states.tsx";
import { hasRole } from "../../session.ts";
import { S } from "../../strings.ts";
import { useCommand } from "./use-command.ts";

const T = S.sandbox;
const right = (says: string) => ({ says, right: true }) as const;
const HEAD = [T.instance, T.role, T.address, right(T.connections), right(T.readCount), right(T.violations)];

type Props = Pick<SandboxState, "active" | "answers" | "run" | "instances"> & { readonly onDone: () => void };

export const SwitchoverPart = ({ active, answers, run: epoch, instances, onDone }: Props) => {
  const { run, error, isBusy } = useCommand(onDone);
  const [gap, setGap] = useState("");
  const switchOver = (event: Event): void => {
    event.preventDefault();
    run(async () => {
      const body = gap === "" ? {} : { gap };
      const switched = await post<Pick<SandboxState, "active">>("/api/sandbox/switchover", body);
      return T.switched(switched.active);
    });
  };
  return (
    <section id="switchover" class="evidence-part" aria-labelledby="switchover-title">
      <h2 id="switchover-title">{T.switchover}</h2>
      <p class="muted">{T.switchoverHelp}</p>
      {error !== undefined && <ErrorStrip error={error} />}
      <PlainTable caption={T.roles} head={HEAD}>
        {instances.map(({ instance, http, https, connections, requests, violations }) => (
          <tr key={instance}>
            <th scope="row">{T.instances[instance]}</th>
            <td>
              {instance === active ? (
                <Verdict mark={answers ? "good" : "bad"}>{answers ? T.active : T.nobody}</Verdict>
              ) : (
                T.standby
              )}
            </td>
            <td class="mono">
              <div>{http}</div>
              <div>{https}</div>
            </td>
            <td class="number right">{connections}</td>
            <td class="number right">{requests}</td>
            <td class={`number right ${violations > 0 ? "hue-refused" : ""}`}>{violations}</td>
          </tr>
        ))}
      </PlainTable>
      {hasRole(["operator"]) && (
        <form class="toolbar-part more" onSubmit={switchOver}>
          <label class="inline-field">
            {T.gap}{" "}
            <select value={gap} onChange={({ currentTarget: { value } }) => setGap(value)}>
              {Object.entries(T.gaps).map(([value, says]) => (
                <option key={value} value={value}>
                  {says}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" disabled={isBusy}>
            {T.switchOver}
          </button>
          <span class="muted">{T.runOf(epoch)}</span>
        </form>
      )}
    </section>
  );
};
