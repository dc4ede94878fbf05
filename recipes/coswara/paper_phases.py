"""The paper's figures that stand beside ours, by phase and method."""

TABLE_VIII = {
    "cough": {
        "occlusion": "0.321 (0.057)",
        "rise": "0.423 (0.045)",
        "kernel_shap": "0.335 (0.033)",
        "lime": "0.364 (0.063)",
        "dax_v1": "0.464 (0.052)",
        "dax_v2": "0.481 (0.049)",
    },
    "throatclear": {
        "occlusion": "0.267 (0.054)",
        "rise": "0.265 (0.055)",
        "kernel_shap": "0.219 (0.038)",
        "lime": "0.168 (0.034)",
        "dax_v1": "0.251 (0.043)",
        "dax_v2": "0.236 (0.041)",
    },
    "noise": {
        "occlusion": "0.225 (0.035)",
        "rise": "0.246 (0.049)",
        "kernel_shap": "0.251 (0.031)",
        "lime": "0.232 (0.058)",
        "dax_v1": "0.202 (0.041)",
        "dax_v2": "0.218 (0.036)",
    },
    "inhale": {
        "occlusion": "0.163 (0.025)",
        "rise": "0.135 (0.039)",
        "kernel_shap": "0.193 (0.041)",
        "lime": "0.183 (0.031)",
        "dax_v1": "0.123 (0.042)",
        "dax_v2": "0.096 (0.038)",
    },
    "compress": {
        "occlusion": "0.081 (0.042)",
        "rise": "0.062 (0.025)",
        "kernel_shap": "0.075 (0.044)",
        "lime": "0.071 (0.023)",
        "dax_v1": "0.074 (0.035)",
        "dax_v2": "0.081 (0.031)",
    },
    "silence": {
        "occlusion": "0.041 (0.019)",
        "rise": "0.061 (0.022)",
        "kernel_shap": "0.052 (0.024)",
        "lime": "0.051 (0.019)",
        "dax_v1": "0.059 (0.021)",
        "dax_v2": "0.043 (0.028)",
    },
}
"""IoU by phase and method on Coswara, mean (standard deviation), as shares.

Source: DAX paper (arXiv 2409.11123), Table VIII, which gives per cent. It has one row a method for
positive and negative recordings together, and no rows for chance and energy.
"""
