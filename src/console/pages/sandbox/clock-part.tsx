/** The clock of the embedded OCS: what it says, and shifting it. */
import { useState } from "preact/hooks";
import type { SandboxState } from "../../../admin/schemas/sandbox.ts";
import { post } from "../../api.ts";
import { ErrorStrip } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { hasRole } from "../../session.ts";
import { S } from "../../strings.ts";
import { longTime, spanOf } from "../../time.ts";
import { useCommand } from "./use-command.ts";

const T = S.sandbox;

type Props = Pick<SandboxState, "now" | "ahead"> & { readonly onDone: () => void };

/** Less is not shown: a clock is set by hand to the millisecond at best. */
const SMALL_MS = 1000;

const aheadText = (ahead: number): string => {
  if (Math.abs(ahead) < SMALL_MS) return T.onTime;
  return ahead > 0 ? T.ahead(spanOf(ahead)) : T.behind(spanOf(-ahead));
};

export const ClockPart = ({ now, ahead, onDone }: Props) => {
  const { run, error, isBusy } = useCommand(onDone);
  const [minutes, setMinutes] = useState("");
  /** `seconds` may be negative. */
  const shift = (seconds: number): void =>
    run(async () => {
      const shifted = await post<{ readonly now: string }>("/api/sandbox/clock", { advance: seconds });
      setMinutes("");
      return T.shifted(longTime(shifted.now, true));
    });
  return (
    <section id="clock" class="evidence-part" aria-labelledby="clock-title">
      <h2 id="clock-title">{T.clockTitle}</h2>
      <p class="muted">{T.clockHelp}</p>
      {error !== undefined && <ErrorStrip error={error} />}
      <p>
        {T.clockSays}{" "}
        <strong>
          <Time at={now} long />
        </strong>
        {". "}
        {aheadText(ahead)}
      </p>
      {hasRole(["operator"]) && (
        <>
          <div class="toolbar-part" role="group" aria-label={T.forward}>
            {Object.entries(T.steps).map(([seconds, says]) => (
              <button key={seconds} type="button" disabled={isBusy} onClick={() => shift(Number(seconds))}>
                {says}
              </button>
            ))}
            <button type="button" disabled={isBusy || Math.abs(ahead) < SMALL_MS} onClick={() => shift(-ahead / 1000)}>
              {T.back}
            </button>
          </div>
          <form class="toolbar-part more" onSubmit={(event) => (event.preventDefault(), shift(Number(minutes) * 60))}>
            <label class="inline-field">
              {T.minutes}{" "}
              <input
                type="number"
                required
                step="any"
                value={minutes}
                onInput={({ currentTarget: { value } }) => setMinutes(value)}
              />
            </label>
            <button type="submit" disabled={isBusy}>
              {T.shift}
            </button>
          </form>
        </>
      )}
    </section>
  );
};
