"""The self-test of power: would this audit have caught a wrong claim here?"""
