pragma circom 2.2.0;

include "../../circom/poseidon.circom";

// ownership/v1 without the constraint on `context`: the mistake that [C1] looks for.
template Unconstrained() {
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
}

component main {public [commitment, context]} = Unconstrained();
