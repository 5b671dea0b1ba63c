pragma circom 2.2.0;

// An assignment without a constraint: the mistake that [C2] and [C5] look for.
template Unconstrained() {
    signal input in;
    signal output out;
    signal square;
    square <-- in * in;
    out <== square * in;
}

component main {public [in]} = Unconstrained();
