"""The paper's figures that stand beside ours, as shares: mean (standard deviation)."""

TABLE_VII = {
    "gradient": "0.155 (0.081)",
    "smooth_grad": "0.232 (0.067)",
    "integrated_gradients": "0.201 (0.065)",
    "input_x_gradient": "0.191 (0.087)",
    "grad_cam": "0.244 (0.119)",
    "guided_grad_cam": "0.194 (0.046)",
    "grad_cam_plus_plus": "0.257 (0.082)",
    "occlusion": "0.201 (0.057)",
    "rise": "0.215 (0.045)",
    "kernel_shap": "0.152 (0.033)",
    "lime": "0.170 (0.053)",
    "dax_v1": "0.223 (0.042)",
    "dax_v2": "0.241 (0.043)",
}
"""IoU on ESC-10, ResNet-101, 139 recordings."""

TABLE_III = {
    "occlusion": "0.351 (0.002)",
    "rise": "0.323 (0.002)",
    "kernel_shap": "0.341 (0.004)",
    "lime": "0.335 (0.006)",
    "dax_v1": "0.318 (0.004)",
    "dax_v2": "0.309 (0.004)",
}
"""Deletion AUC on images (VOC), ResNet-101; there is none for sound."""

TABLE_II = {
    "gradient": "0.0005",
    "smooth_grad": "0.0011",
    "integrated_gradients": "0.0011",
    "input_x_gradient": "0.0003",
    "grad_cam": "0.0028",
    "guided_grad_cam": "0.0008",
    "grad_cam_plus_plus": "0.0029",
    "occlusion": "0.0035",
    "rise": "0.0045",
    "kernel_shap": "0.0015",
    "lime": "0.0032",
    "dax_v1": "0.0028",
    "dax_v2": "0.0027",
}
"""IoU for a random incorrect label on images (VOC), ResNet-101; there is none for sound. The paper
heads the column "mean IoU (%)" and writes, for LIME, 3.2e-1: 0.32 per cent."""

TABLE_IX = {
    "occlusion": "0.189 (0.145)",
    "rise": "0.197 (0.142)",
    "kernel_shap": "0.136 (0.100)",
    "lime": "0.166 (0.132)",
    "dax_v1": "0.162 (0.139)",
    "dax_v2": "0.160 (0.136)",
}
"""IoU on 141 images (VOC) that ViT-b16 predicts wrongly; there is none for sound."""

PAPER = {
    "iou": TABLE_VII,
    "deletion_auc": TABLE_III,
    "wrong_label_iou": TABLE_II,
    "wrongly_predicted_iou": TABLE_IX,
}
"""The paper's figures by measure and method."""
