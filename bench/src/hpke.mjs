import { randomBytes } from 'node:crypto';
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_P256_HKDF_SHA256 } from 'hpke';
import { interleave, timeEach } from './lib/interleave.mjs';
import { compare } from './lib/result.mjs';

const REPETITIONS = 20;

/**
 * `hpke.seal` and `hpke.open`: what seals a vault's secrets to a recipient, 64 bytes as there.
 *
 * @param {import('./lib/settings.mjs').Settings} settings
 */
export async function measureHpke({ quick }) {
  const { deriveHpkeKeyPair, importHpkePublicKey, openHpke, sealHpke, serializeHpkePublicKey } =
    await loadClientHpke();
  const peer = new CipherSuite(KEM_DHKEM_P256_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
  const plaintext = new Uint8Array(randomBytes(64));
  const info = new Uint8Array(randomBytes(96));
  const ikm = new Uint8Array(randomBytes(32));
  const ours = await deriveHpkeKeyPair(ikm.slice());
  const publicKey = await importHpkePublicKey(await serializeHpkePublicKey(ours.publicKey));
  const theirs = await peer.DeriveKeyPair(ikm.slice());

  const sealed = await sealHpke(publicKey, info, plaintext);
  const peerSealed = await peer.Seal(theirs.publicKey, plaintext, { info });
  const openByPeer = () => peer.Open(theirs, sealed.enc, sealed.ct, { info });
  const { encapsulatedSecret: enc, ciphertext: ct } = peerSealed;
  // Each opens what the other has sealed: both do the same work.
  assertEqual(await openByPeer(), plaintext);
  assertEqual(await openHpke(ours, info, { enc: enc.slice(), ct: ct.slice() }), plaintext);

  const samples = await interleave(
    {
      seal: () => timeEach(REPETITIONS, () => sealHpke(publicKey, info, plaintext)),
      peerSeal: () => timeEach(REPETITIONS, () => peer.Seal(theirs.publicKey, plaintext, { info })),
      open: () => timeEach(REPETITIONS, () => openHpke(ours, info, sealed)),
      peerOpen: () => timeEach(REPETITIONS, openByPeer),
    },
    { rounds: quick ? 10 : 60 },
  );
  const common = {
    unit: 'ms',
    better: /** @type {const} */ ('less'),
    peer: 'hpke 1.1.7, also on WebCrypto',
  };
  return [
    compare({ ...common, id: 'hpke.seal', ours: samples.seal, theirs: samples.peerSeal }),
    compare({ ...common, id: 'hpke.open', ours: samples.open, theirs: samples.peerOpen }),
  ];
}

/** What the client runs, loaded from the build by its path, as the package does not export it. */
function loadClientHpke() {
  return import('../../packages/client/dist/vault/hpke.js');
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
function assertEqual(a, b) {
  if (Buffer.compare(a, b) !== 0) throw new Error('HPKE opened something else.');
}
