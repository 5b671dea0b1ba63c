pragma circom 2.2.0;

include "./poseidon.circom";

// ownership/v1: I know an opening of `commitment`, and I say so for `context`.
//
// It proves an opening and nothing about its form: that `tag` is the tag of an API key, that the
// key has a certain length or entropy, is the business of whoever makes the commitment.
template Ownership() {
    signal input commitment;
    signal input context;

    signal input tag;
    signal input m0;
    signal input m1;
    signal input salt;

    component hash = Poseidon(4);
    hash.in[0] <== tag;
    hash.in[1] <== m0;
    hash.in[2] <== m1;
    hash.in[3] <== salt;
    commitment === hash.out;

    // `context` takes no part in the hash, and in no constraint it would bind nothing: a proof would
    // hold for all. snarkjs's setup adds one for each public signal; the circuit does not rely on it.
    signal contextSquare;
    contextSquare <== context * context;
}

component main {public [commitment, context]} = Ownership();
