pragma circom 2.2.0;

include "../../circom/poseidon.circom";

component main = Poseidon(3);
