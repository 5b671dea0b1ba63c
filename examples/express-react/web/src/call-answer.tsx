import { isPzkError } from '@pzk-auth/client';

/** An observation as the API answers it. */
interface Observation {
  readonly station: string;
  readonly temperature: number;
  readonly wind: number;
  readonly sky: string;
}

/** How a call ended. */
export interface CallResult {
  readonly call: string;
  /** 0 if there was no answer. */
  readonly status: number;
  /** Code of the problem, empty if there was none. */
  readonly code: string;
  readonly text: string;
  readonly observations: readonly Observation[];
}

/** What there is to say where no status was seen. */
const NO_STATUS: Readonly<Record<string, string>> = {
  network_error: 'no answer',
  not_signed_in: 'not signed in',
  passkey_cancelled: 'not sent',
  aborted: 'not sent',
};

/** A call that did not come to an answer. */
export function readFailure(call: string, error: unknown): CallResult {
  const code = isPzkError(error) ? error.code : 'network_error';
  const text = isPzkError(error) ? error.message : 'No answer.';
  return { call, status: 0, code, text, observations: [] };
}

/** Makes a call and reads its answer; does not reject. */
export async function readCallResult(
  method: string,
  path: string,
  send: () => Promise<Response>,
): Promise<CallResult> {
  const call = `${method} ${path}`;
  try {
    const response = await send();
    const body = await response.json();
    return {
      call,
      status: response.status,
      code: response.ok ? '' : String(body.code ?? ''),
      text: response.ok
        ? body.text === undefined
          ? ''
          : `Report ${body.id} is filed: ${body.text}`
        : `${body.title ?? ''} ${body.hint ?? ''}`.trim(),
      observations: Array.isArray(body.observations) ? body.observations : [],
    };
  } catch (error) {
    return readFailure(call, error);
  }
}

/** Props of {@link CallAnswer}. */
export interface CallAnswerProps {
  readonly result: CallResult;
  /** Asks for the passkey and repeats the call. */
  readonly onTouch: () => void;
}

/** The answer to a call. */
export function CallAnswer({ result, onTouch }: CallAnswerProps) {
  const { call, status, code, text, observations } = result;
  const ok = status >= 200 && status < 300;
  const stepUp = code === 'insufficient_user_authentication';
  return (
    <div className={`notice ${ok ? 'notice-good' : stepUp ? 'notice-ask' : 'notice-bad'}`}>
      <p className="notice-title">
        {call}: {stepUp ? 'a fresh touch is needed' : status || NO_STATUS[code] || 'refused'}
      </p>
      {text !== '' && <p>{text}</p>}
      {code !== '' && (
        <p>
          <code>{code}</code>
        </p>
      )}
      {observations.length > 0 && (
        <table>
          <caption className="visually-hidden">Observations</caption>
          <thead>
            <tr>
              <th scope="col">Station</th>
              <th scope="col">Sky</th>
              <th scope="col">°C</th>
              <th scope="col">m/s</th>
            </tr>
          </thead>
          <tbody>
            {observations.map(({ station, sky, temperature, wind }) => (
              <tr key={station}>
                <th scope="row">{station}</th>
                <td>{sky}</td>
                <td>{temperature.toFixed(1)}</td>
                <td>{wind.toFixed(1)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {stepUp && (
        <p>
          <button type="button" className="primary" onClick={onTouch}>
            Touch the passkey and file it
          </button>
        </p>
      )}
    </div>
  );
}
