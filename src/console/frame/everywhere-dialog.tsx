/** Asks before all sessions of the user end. */
import { useState } from "preact/hooks";
import { Dialog } from "../parts/dialog.tsx";
import { ErrorStrip, Strip } from "../parts/states.tsx";
import { logOutEverywhere } from "../session.ts";
import { S } from "../strings.ts";
import { dialog } from "./keys-dialog.tsx";

const close = (): void => {
  if (dialog.value === "everywhere") dialog.value = undefined;
};

export const EverywhereDialog = () => {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const end = async (): Promise<void> => {
    setBusy(true);
    try {
      await logOutEverywhere();
      close();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog title={S.login.everywhereTitle} onClose={close}>
      <p>{S.login.everywhereHelp}</p>
      {error !== undefined && (
        <>
          <Strip kind="error">{S.login.everywhereFailed}</Strip>
          <ErrorStrip error={error} />
        </>
      )}
      <p>
        <button type="button" class="primary" disabled={isBusy} onClick={() => void end()}>
          {S.login.outEverywhere}
        </button>
      </p>
    </Dialog>
  );
};
