import { formatProof, OWNERSHIP_CIRCUIT, PROOF_GRANT, sessionContext } from '@pzk-auth/protocol';
import { formatRequest } from './http-connection.mjs';

/**
 * A key at an issuer of a bench, and who proves it.
 *
 * @typedef {object} Prover
 * @property {number} port
 * @property {string} scope
 * @property {string} commitment
 * @property {import('./trapdoor-key.mjs').TrapdoorKey} trapdoor
 */

/**
 * `POST /pzk/challenge` and `POST /pzk/token`.
 *
 * @param {import('./http-connection.mjs').HttpConnection} connection
 * @param {Prover} prover
 * @param {ReturnType<typeof import('./session-key.mjs').createDpopSigner>} signer
 * @returns {Promise<{ status: number, token: string }>} the status of `/token`
 */
export async function exchange(connection, { port, scope, commitment, trapdoor }, signer) {
  const issuer = `http://localhost:${port}`;
  const asked = await connection.send(
    formatRequest({
      method: 'POST',
      port,
      path: '/pzk/challenge',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ purpose: 'session', jkt: signer.jkt, scope }),
    }),
  );
  if (asked.status !== 200) throw new Error(`/challenge answered ${asked.status}: ${asked.body}`);
  const { nonce, audience } = JSON.parse(asked.body.toString());
  const context = sessionContext({
    issuer,
    audience,
    nonce,
    jkt: signer.jkt,
    credentialId: '',
    scope,
    circuitId: OWNERSHIP_CIRCUIT,
    commitment,
  });
  const proof = formatProof(trapdoor.prove(BigInt(commitment), BigInt(context)));
  const form = new URLSearchParams({
    grant_type: PROOF_GRANT,
    nonce,
    circuit: OWNERSHIP_CIRCUIT,
    commitment,
    proof,
  });
  const { status, body } = await connection.send(
    formatRequest({
      method: 'POST',
      port,
      path: '/pzk/token',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: signer.prove({ method: 'POST', url: `${issuer}/pzk/token` }),
      },
      body: form.toString(),
    }),
  );
  if (status !== 200 && status !== 503) throw new Error(`/token answered ${status}: ${body}`);
  return { status, token: status === 200 ? JSON.parse(body.toString()).access_token : '' };
}
