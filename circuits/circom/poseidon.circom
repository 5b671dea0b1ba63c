pragma circom 2.2.0;

include "./poseidon-constants.circom";

// Number of partial rounds for a state of `width` elements (x^5, 128-bit security, BN254).
function poseidonPartialRounds(width) {
    var rounds[7] = [0, 0, 56, 57, 56, 60, 60];
    return rounds[width];
}

// Poseidon hash of 1 to 5 field elements, BN254, with the parameters of circomlib and
// poseidon-lite: S-box x^5, 8 full rounds, capacity element first and zero.
//
// Every linear step (constants, matrix) is an expression in a `var`, so it costs no constraint.
// Only the S-boxes are constraints, three each, and each of the three introduces exactly one new
// signal. The R1CS can therefore be solved from top to bottom: in order, every constraint holds
// one wire that the inputs and the constraints above have not fixed yet. That is what lets a prover
// do without circom's witness program, and `circuits/test` checks it.
template Poseidon(inputCount) {
    assert(inputCount >= 1);
    assert(inputCount <= 5);

    signal input in[inputCount];
    signal output out;

    var width = inputCount + 1;
    var halfFull = 4;
    var partial = poseidonPartialRounds(width);
    var constants[width * (2 * halfFull + partial)] = poseidonRoundConstants(width);
    var matrix[width][width] = poseidonMatrix(width);

    // Powers 2, 4 and 5 of each S-box input. In a partial round only element 0 has an S-box.
    signal full2[2 * halfFull][width];
    signal full4[2 * halfFull][width];
    signal full5[2 * halfFull][width];
    signal partial2[partial];
    signal partial4[partial];
    signal partial5[partial];

    var state[width];
    state[0] = 0;
    for (var i = 0; i < inputCount; i++) {
        state[i + 1] = in[i];
    }

    for (var round = 0; round < 2 * halfFull + partial; round++) {
        for (var i = 0; i < width; i++) {
            state[i] += constants[round * width + i];
        }

        if (round >= halfFull && round < halfFull + partial) {
            var p = round - halfFull;
            partial2[p] <== state[0] * state[0];
            partial4[p] <== partial2[p] * partial2[p];
            partial5[p] <== partial4[p] * state[0];
            state[0] = partial5[p];
        } else {
            var f = round < halfFull ? round : round - partial;
            for (var i = 0; i < width; i++) {
                full2[f][i] <== state[i] * state[i];
                full4[f][i] <== full2[f][i] * full2[f][i];
                full5[f][i] <== full4[f][i] * state[i];
                state[i] = full5[f][i];
            }
        }

        var mixed[width];
        for (var i = 0; i < width; i++) {
            mixed[i] = 0;
            for (var j = 0; j < width; j++) {
                mixed[i] += matrix[i][j] * state[j];
            }
        }
        state = mixed;
    }

    out <== state[0];
}
