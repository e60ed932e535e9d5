/** The way in: user name and password, or the admin token. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api.ts";
import { Strip } from "../parts/states.tsx";
import { acceptsPasswords, logIn, logInWithToken } from "../session.ts";
import { S } from "../strings.ts";
import { Brand } from "./brand.tsx";

type Why = "expired" | "link" | "unreachable" | undefined;

export const Login = ({ why }: { readonly why: Why }) => {
  const [withToken, setWithToken] = useState(!acceptsPasswords.value);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  useEffect(() => void (document.title = `${S.login.title} · ${S.product}`), []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const value = (name: string): string => {
      const given = form.get(name);
      return typeof given === "string" ? given : "";
    };
    setBusy(true);
    setProblem("");
    try {
      await (withToken ? logInWithToken(value("token").trim()) : logIn(value("name"), value("password")));
    } catch (error) {
      setProblem(problemOf(error, withToken));
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="login-card" onSubmit={(event) => void submit(event)}>
        <div class="brand">
          <Brand />
        </div>
        <h1>{S.login.title}</h1>
        {why && !problem && <Strip kind={why === "expired" ? "info" : "error"}>{S.login[why]}</Strip>}
        {problem && (
          <Strip kind="error" urgent>
            {problem}
          </Strip>
        )}
        {withToken ? (
          <Field label={S.login.token} help={S.login.tokenHelp}>
            <input id="token" name="token" type="password" autocomplete="off" required class="mono" />
          </Field>
        ) : (
          <>
            <Field label={S.login.name}>
              <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck={false} required />
            </Field>
            <Field label={S.login.password}>
              <input id="password" name="password" type="password" autocomplete="current-password" required />
            </Field>
          </>
        )}
        <button type="submit" class="primary" disabled={isBusy}>
          {S.login.submit}
        </button>
        {acceptsPasswords.value ? (
          <button type="button" class="link" onClick={() => (setWithToken(!withToken), setProblem(""))}>
            {withToken ? S.login.withPassword : S.login.withToken}
          </button>
        ) : (
          <p class="muted">{S.login.noUsers}</p>
        )}
      </form>
    </main>
  );
};

const problemOf = (error: unknown, withToken: boolean): string => {
  if (!(error instanceof ApiError)) return S.api.broken;
  if (error.status === 401) return withToken ? S.login.wrongToken : S.login.wrong;
  return error.status === 0 ? S.login.unreachable : error.message;
};

type FieldProps = { readonly label: string; readonly help?: string; readonly children: ComponentChildren };

const Field = ({ label, help, children }: FieldProps) => (
  <label class="field">
    <span class="field-label">{label}</span>
    {children}
    {help !== undefined && <span class="field-help">{help}</span>}
  </label>
);
